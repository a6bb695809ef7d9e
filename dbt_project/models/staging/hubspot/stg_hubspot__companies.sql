select
    'hubspot' as source,
    id as source_customer_id,
    hubspot_owner_id as source_owner_id,
    hs_merged_object_ids as merged_customer_ids,
    name as customer_name,
    {{ web_domain('domain') }} as domain,
    phone,
    address,
    city,
    zip as postal_code,
    country,
    industry,
    vat_id as tax_id,
    plan,
    -- The lifecycle stage stays at customer when the customer is long gone, so it tells prospects only.
    coalesce(
        {{ crm_status_word('customer_status') }},
        case
            when
                lower(lifecyclestage) in (
                    'subscriber', 'lead', 'marketingqualifiedlead', 'salesqualifiedlead', 'opportunity'
                )
                then 'prospect'
        end
    ) as crm_status,
    {{ sentiment_word('csm_sentiment') }} as sentiment,
    numberofemployees as employee_count,
    coalesce(archived, false) as is_archived,
    renewal_date,
    createdate as created_at,
    hs_lastmodifieddate as updated_at
from {{ known_rows(source('hubspot', 'companies'), key=['id'], dated_by='createdate') }}
