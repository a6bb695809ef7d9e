select
    'smile' as source,
    id as source_customer_id,
    email,
    first_name,
    last_name,
    lower(state) as member_status,
    vip_tier as tier,
    referral_code,
    points_balance,
    date_of_birth as birth_date,
    created_at as joined_at,
    updated_at
from {{ known_rows(source('smile', 'customers'), key=['id'], dated_by='created_at') }}
