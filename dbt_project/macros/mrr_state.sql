{#-
    Whether an item counts at a moment under a policy: paying, suspended (there, but nothing is paid), trial, given_up
    (dunning is over) or ended. `item` is a row of int_revenue__item_states, `policy` one of int_revenue__policies.
-#}
{% macro mrr_state(item, policy, moment) -%}
    case
        when
            least(
                {{ item }}.item_ended_at,
                {{ item }}.ended_at,
                case when {{ policy }}.churn_recognition = 'cancel_request' then {{ item }}.canceled_at end
            ) <= {{ moment }}
            then 'ended'
        when {{ item }}.status in ('incomplete', 'incomplete_expired') then 'ended'
        -- What has ended by now ran until then, where its source tells nothing but the last state.
        when {{ item }}.status = 'canceled' and {{ item }}.ended_at is null and {{ item }}.item_ended_at is null then 'ended'
        when {{ policy }}.unpaid = 'churn' and {{ item }}.status = 'unpaid' then 'given_up'
        when
            {{ policy }}.churn_recognition <> 'payment_failure_final'
            and {{ item }}.past_due_since_at + to_days({{ policy }}.dunning_days) <= {{ moment }}
            then 'given_up'
        when
            {{ policy }}.trials = 'exclude'
            and {{ item }}.status = 'trialing'
            and coalesce({{ item }}.trial_ends_at > {{ moment }}, true)
            then 'trial'
        when {{ policy }}.pauses <> 'count' and {{ item }}.status = 'paused' then 'suspended'
        when {{ policy }}.pauses = 'suspend' and {{ item }}.is_collection_paused then 'suspended'
        else 'paying'
    end
{%- endmacro %}

{#- Whether the subscription's discount lowers MRR at a moment under a policy. -#}
{% macro mrr_has_discount(item, policy, moment) -%}
    case
        when {{ item }}.discount_ends_at <= {{ moment }} then false
        when {{ policy }}.discounts = 'none' then false
        when {{ policy }}.discounts = 'all' then true
        when {{ policy }}.discounts = 'forever' then {{ item }}.discount_duration = 'forever'
        when {{ policy }}.discounts = 'forever_and_once' then {{ item }}.discount_duration <> 'repeating'
        else coalesce({{ item }}.discount_duration <> 'once', true)
    end
{%- endmacro %}

{#- The windows of versions before and after one, that `told_late` looks at. -#}
{% macro told_windows(id) -%}
    earlier as (
            partition by source, {{ id }}
            order by valid_from_at
            rows between unbounded preceding and 1 preceding
        ),
        later as (
            partition by source, {{ id }}
            order by valid_from_at
            rows between 1 following and unbounded following
        )
{%- endmacro %}

{#-
    Whether a later version tells of a time (`next_` and its name) at which this one held, or which was over when it began
    and was not told before: then it was no longer so as this one says.
-#}
{% macro told_late(time) -%}
    coalesce(
        next_{{ time }} < least({{ time }}, holds_to_at)
        and (
            next_{{ time }} >= valid_from_at
            or next_{{ time }} is distinct from last_value({{ time }} ignore nulls) over earlier
        ), false
    )
{%- endmacro %}

{#- What an item costs each billing interval, before its subscription's discount; as a double, for any size. -#}
{% macro item_price() -%}
    unit_amount * (1 - coalesce(item_discount_rate, 0)) * quantity
{%- endmacro %}

{#- An amount of each billing interval of an item as an amount of each month. -#}
{% macro monthly_amount(amount) -%}
    {{ money(
        "(" ~ amount ~ ") * " ~ intervals_a_year('billing_interval') ~ " / (12 * interval_count)"
    ) }}
{%- endmacro %}

{#- When so many billing intervals from a moment on are over. -#}
{% macro interval_end(moment, interval, count) -%}
    {{ moment }} + {{ interval_length(interval, count) }}
{%- endmacro %}

{#- How long so many billing intervals are. -#}
{% macro interval_length(interval, count) -%}
    case {{ interval }}
        when 'year' then to_months(cast(12 * {{ count }} as integer))
        when 'month' then to_months(cast({{ count }} as integer))
        when 'week' then to_days(cast(7 * {{ count }} as integer))
        else to_days(cast({{ count }} as integer))
    end
{%- endmacro %}

{#- The months nearest to so many billing intervals: 52 weeks and 365 days are 12. -#}
{% macro interval_months(interval, count) -%}
    cast(round(12 * {{ count }} / {{ intervals_a_year(interval) }}) as integer)
{%- endmacro %}

{#- How many of a billing interval are in a year. -#}
{% macro intervals_a_year(interval) -%}
    {%- set counts = var('billing_intervals_a_year') -%}
    {%- set missing = "error('The var billing_intervals_a_year of dbt_project.yml lacks an interval: say how many of each of year, month, week and day are in a year.')" -%}
    case {{ interval }}
        {%- for name in ['year', 'month', 'week', 'day'] %} when '{{ name }}' then {{ counts[name] | default(missing) }}{% endfor %} end
{%- endmacro %}
