{%- set metrics = headline_metrics() | map(attribute='metric') | join(', ') -%}
with written as (

    select
        *,
        try_cast(window_months as integer) as window_number,
        try_cast(low_value as double) as low_number,
        try_cast(high_value as double) as high_number,
        concat_ws(
            ',', metric, window_months, dimension, segment, level, coalesce(low_value, ''), coalesce(high_value, ''),
            source
        ) as row_text
    from {{ ref('benchmarks') }}

),

judged as (

    select
        *,
        case
            when not list_contains(string_split('{{ metrics }}', ', '), coalesce(metric, ''))
                then 'an unknown metric; there are {{ metrics }}'
            when window_number is null then 'window_months that are no number'
            when dimension is null or segment is null or level is null or source is null
                then 'no dimension, segment, level or source'
            when low_value is not null and low_number is null or high_value is not null and high_number is null
                then 'a low_value or high_value that is no number'
            when low_number is null and high_number is null then 'neither low_value nor high_value'
            when low_number > high_number then 'a low_value above its high_value'
        end as mistake
    from written

),

checked as (

    select
        case
            when mistake is null then metric
            else error('benchmarks.csv: the row "' || row_text || '" has ' || mistake || '.')
        end as metric,
        window_number as window_months,
        dimension,
        segment,
        level,
        low_number as low_value,
        high_number as high_value,
        source
    from judged

),

newest as (

    select *
    from {{ ref('rpt_metric_trends') }}
    qualify month = max(month) over (partition by metric, window_months)

)

select
    newest.metric,
    newest.window_months,
    newest.dimension,
    newest.segment,
    checked.level,
    checked.low_value,
    checked.high_value,
    checked.source,
    newest.month,
    newest.value,
    newest.n,
    case
        when newest.value < checked.low_value then 'below'
        when newest.value > checked.high_value then 'above'
        when newest.value is not null then 'within'
    end as standing,
    newest.history_percentile,
    newest.min_cell_ok,
    newest.policy,
    newest.policy_version,
    newest.metric_version
from newest
inner join checked
    on
        newest.metric = checked.metric
        and newest.window_months = checked.window_months
        and newest.dimension = checked.dimension
        and newest.segment = checked.segment
