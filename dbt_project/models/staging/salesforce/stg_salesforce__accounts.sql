select
    'salesforce' as source,
    {{ salesforce_id('id') }} as source_customer_id,
    {{ salesforce_id('parent_id') }} as source_parent_customer_id,
    {{ salesforce_id('master_record_id') }} as source_merged_into_customer_id,
    {{ salesforce_id('owner_id') }} as source_owner_id,
    name as customer_name,
    {{ web_domain('website') }} as domain,
    phone,
    billing_street as address,
    billing_city as city,
    billing_postal_code as postal_code,
    billing_country as country,
    industry,
    vat_number as tax_id,
    {{ crm_status_word('type') }} as crm_status,
    {{ sentiment_word('health') }} as sentiment,
    number_of_employees as employee_count,
    coalesce(is_deleted, false) as is_deleted,
    renewal_date,
    created_date as created_at,
    system_modstamp as updated_at
from {{ known_rows(source('salesforce', 'accounts'), key=['id'], dated_by='created_date') }}
-- One account may come under its short id and under its long one.
qualify
    row_number() over (
        partition by source_customer_id
        order by system_modstamp desc, _load_id desc, _row_number desc
    ) = 1
