select
    source,
    referral_id,
    source_referrer_customer_id,
    source_friend_customer_id,
    friend_email,
    referral_status,
    reward_currency,
    reward_cost_amount,
    invited_at,
    completed_at,
    updated_at
from {{ ref('stg_smile__referrals') }}
