select
    customer_id,
    person_id,
    role,
    evidence,
    source,
    valid_from_date,
    valid_to_date,
    is_current
from {{ ref('int_customers__person_roles') }}
