select
    'smile' as source,
    id as referral_id,
    sender_customer_id as source_referrer_customer_id,
    receiver_customer_id as source_friend_customer_id,
    receiver_email as friend_email,
    status as referral_status,
    reward_currency,
    reward_cost_amount,
    created_at as invited_at,
    completed_at,
    updated_at
from {{ known_rows(source('smile', 'referrals'), key=['id'], dated_by='created_at') }}
