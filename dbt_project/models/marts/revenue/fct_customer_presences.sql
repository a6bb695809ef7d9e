select
    customer_id as followed_id,
    presence_number,
    cohort_month,
    start_date,
    from_date,
    to_date,
    end_cause
from {{ ref('int_revenue__presences') }}
