select
    'zendesk' as source,
    id as source_customer_id,
    external_id,
    name as customer_name,
    domain_names,
    created_at,
    updated_at
from {{ known_rows(source('zendesk', 'organizations'), key=['id'], dated_by='created_at') }}
