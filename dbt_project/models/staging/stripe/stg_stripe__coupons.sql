select
    'stripe' as source,
    id as source_coupon_id,
    name as coupon_name,
    upper(currency) as currency,
    duration,
    percent_off / 100 as discount_rate,
    {{ money_from_minor_units('amount_off', 'currency') }} as discount_amount,
    duration_in_months,
    created as created_at
from {{ known_rows(source('stripe', 'coupons'), key=['id'], dated_by='created') }}
