select
    'shopify' as source,
    id as source_customer_id,
    merged_into_id as source_merged_into_customer_id,
    email,
    phone,
    first_name,
    last_name,
    default_address_address_1 as address,
    default_address_city as city,
    default_address_zip as postal_code,
    default_address_country_code as country,
    lower(state) as account_status,
    tags,
    accepts_marketing as has_marketing_consent,
    created_at,
    updated_at
from {{ known_rows(source('shopify', 'customers'), key=['id'], dated_by='created_at') }}
