select
    'files' as source,
    customer_id as source_customer_id,
    customer_name,
    email,
    country,
    signed_up_at
from {{ source('files', 'customers') }}
where _superseded_by is null
