select
    clock,
    criterion,
    clock <> 'contract_start' or criterion = '{{ var("first_value_milestone") }}' as is_first_value,
    unit_id,
    customer_id,
    if(criterion = 'key_event', unit_id, null) as person_id,
    cast(started_at as date) as start_date,
    cast(reached_at as date) as reached_date,
    is_reached,
    days,
    watched_days
from {{ ref('int_revenue__first_values') }}
