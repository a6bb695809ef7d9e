select
    first_values.clock,
    first_values.criterion,
    {{ is_first_value('first_values') }} as is_first_value,
    first_values.unit_id,
    first_values.customer_id,
    if(first_values.criterion = 'key_event', first_values.unit_id, null) as person_id,
    cast(first_values.started_at as date) as start_date,
    cast(first_values.reached_at as date) as reached_date,
    first_values.is_reached,
    first_values.days,
    first_values.watched_days
from {{ ref('int_revenue__first_values') }} as first_values
