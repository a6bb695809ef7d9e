select
    'hubspot' as source,
    id as source_opportunity_id,
    hubspot_owner_id as source_owner_id,
    dealname as opportunity_name,
    {{ opportunity_kind_word('dealtype') }} as opportunity_kind,
    dealstage as stage,
    upper(deal_currency_code) as currency,
    amount,
    coalesce(hs_is_closed_won, false) or coalesce(lower(dealstage) in ('closedwon', 'closedlost'), false) as is_closed,
    coalesce(hs_is_closed_won, lower(dealstage) = 'closedwon', false) as is_won,
    cast(closedate as date) as close_date,
    createdate as created_at,
    hs_lastmodifieddate as updated_at
from {{ known_rows(source('hubspot', 'deals'), key=['id'], dated_by='createdate') }}
where archived is not true
