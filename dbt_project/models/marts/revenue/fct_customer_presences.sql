select
    customer_id as followed_id,
    presence_number,
    cohort_month,
    start_date,
    from_date,
    to_date,
    end_cause,
    watched_from_date
from {{ ref('int_revenue__watched_presences') }}
