select
    'salesforce' as source,
    {{ salesforce_id('id') }} as source_opportunity_id,
    {{ salesforce_id('account_id') }} as source_customer_id,
    {{ salesforce_id('owner_id') }} as source_owner_id,
    name as opportunity_name,
    {{ opportunity_kind_word('type') }} as opportunity_kind,
    stage_name as stage,
    upper(currency_iso_code) as currency,
    amount,
    coalesce(is_closed, false) as is_closed,
    coalesce(is_won, false) as is_won,
    coalesce(is_deleted, false) as is_deleted,
    close_date,
    created_date as created_at,
    system_modstamp as updated_at
from {{ known_rows(source('salesforce', 'opportunities'), key=['id'], dated_by='created_date') }}
-- One opportunity may come under its short id and under its long one.
qualify
    row_number() over (
        partition by source_opportunity_id
        order by system_modstamp desc, _load_id desc, _row_number desc
    ) = 1
