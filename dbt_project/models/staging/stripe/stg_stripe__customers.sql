select
    'stripe' as source,
    id as source_customer_id,
    {{ json_text('metadata', 'crm_id') }} as external_id,
    name as customer_name,
    email,
    phone,
    address_line1 as address,
    address_city as city,
    address_postal_code as postal_code,
    address_country as country,
    upper(currency) as currency,
    tax_id,
    coalesce(delinquent, false) as is_delinquent,
    created as created_at,
    updated as updated_at
from {{ known_rows(source('stripe', 'customers'), key=['id'], dated_by='created') }}
