select
    source,
    source_customer_id,
    email,
    first_name,
    last_name,
    member_status,
    tier,
    referral_code,
    points_balance,
    birth_date,
    joined_at,
    updated_at
from {{ ref('stg_smile__customers') }}
