select
    if(entity = 'company', 'customer', 'person') as entity,
    id_type,
    id_value,
    reason,
    record_count,
    counts_with_name
from {{ ref('int_customers__generic_identifiers') }}
