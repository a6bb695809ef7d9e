{%- set cell_key = ['table_name', 'month', 'dimension', 'segment', 'basis', 'span_months', 'figure'] -%}
with last_release as (

    select *
    from {{ ref('int_run__last_release') }}

),

last_cells as (

    select *
    from {{ ref('int_revenue__last_cells') }}

),

cells as (

    {% for table in settled_tables() -%}
        {{ cells_of(table, ref(table.name)) }}
        {{ "union all by name" if not loop.last }}
    {% endfor %}

),

figures (table_name, figure, kinds, row_kinds, has_groups) as (

    values
    {%- for table in settled_tables() %}
        {%- set outer = loop %}
        {%- for figure in table.figures %}
            {%- set kinds = table.get('but', {}).get(figure, table.rests_on) | list %}
            {%- for kind, figures in table.get('also', {}).items() if figure in figures %}
                {%- do kinds.append(kind) %}
            {%- endfor %}
            (
                '{{ table.name }}',
                '{{ figure }}',
                {{ kinds }},
                {{ table.rests_on }},
                {{ 'false' if table.dimension else 'true' }}
            ){{ "," if not (outer.last and loop.last) }}
        {%- endfor %}
    {%- endfor %}

),

-- Cells of periods that were over when the last release went out, and that say something else now. A table that the
-- last release didn't have, or had with other columns, is compared from the next one on.
restated as (

    select
        {%- for column in cell_key %}
            {{ column }},
        {%- endfor %}
        coalesce(cells.from_month, last_cells.from_month) as from_month,
        coalesce(cells.to_month, last_cells.to_month) as to_month,
        last_cells.value as previous_value,
        cells.value
    from last_cells
    full join cells using ({{ cell_key | join(', ') }})
    cross join last_release
    where
        table_name in (select last_tables.table_name from last_cells as last_tables)
        and coalesce(last_cells.is_complete, cells.over_date <= last_release.as_of_date + 1)
        and last_cells.value is distinct from cells.value

),

{% for name in ['versions', 'last_versions'] -%}
    {{ name }} as (

        select
            table_name,
            max(metric_version) as metric_version
        from {{ 'cells' if name == 'versions' else 'last_cells' }}
        group by table_name

    ),

{% endfor -%}
-- Tables whose figures mean something else since.
redefined as (

    select versions.table_name
    from versions
    inner join last_versions
        on versions.table_name = last_versions.table_name
    where versions.metric_version <> last_versions.metric_version

),

-- Cells that rest on the same customers, months and things have the same causes. Of a cohort are those who began in its
-- month, at the beginning of a window of revenue those who had begun by then.
ranged as (

    select
        restated.*,
        figures.has_groups,
        -- What came or went did so with its row.
        if(
            (previous_value is null) <> (value is null), list_distinct(list_concat(figures.kinds, figures.row_kinds)),
            figures.kinds
        ) as kinds,
        case table_name when 'rpt_cohort_retention' then month end as first_cohort_month,
        case table_name when 'rpt_cohort_retention' then month when 'rpt_nrr_monthly' then from_month end
            as last_cohort_month,
        dense_rank() over (
            order by
                table_name,
                dimension,
                segment,
                basis,
                from_month,
                to_month,
                first_cohort_month,
                last_cohort_month,
                kinds
        ) as range_number
    from restated
    inner join figures using (table_name, figure)

),

ranges as (

    select distinct
        range_number,
        table_name,
        dimension,
        segment,
        basis,
        from_month,
        to_month,
        first_cohort_month,
        last_cohort_month,
        unnest(kinds) as kind
    from ranged

),

causes_found as (

    select
        ranges.range_number,
        causes.cause
    from ranges
    inner join {{ ref('int_revenue__restatement_causes') }} as causes
        on
            ranges.kind = causes.kind
            and ranges.dimension = causes.dimension
            and ranges.segment = causes.segment
            and ranges.to_month >= causes.from_month
            and ranges.from_month <= coalesce(causes.to_month, ranges.to_month)
            and ranges.basis = coalesce(causes.basis, ranges.basis)
            and coalesce(ranges.first_cohort_month <= causes.cohort_month, true)
            and coalesce(ranges.last_cohort_month >= causes.cohort_month, true)
    union all
    select
        ranges.range_number,
        'policy' as cause
    from ranges
    inner join {{ ref('int_revenue__changed_policies') }} as policies
        on ranges.kind = 'policies' and (policies.is_active or ranges.basis = policies.policy)
    union all
    select
        ranges.range_number,
        'definition' as cause
    from ranges
    inner join redefined
        on ranges.table_name = redefined.table_name

),

range_causes as (

    select
        range_number,
        string_agg(distinct cause, ', ' order by cause) as cause
    from causes_found
    group by range_number

),

-- Who was in which group is told since releases have map_customer_segments.
known_groups as (

    select count(*) > 0 as are_known
    from {{ ref('int_revenue__last_segments') }}

),

found as (

    select
        context.as_of_date as restated_date,
        last_release.release_id as previous_release_id,
        last_release.as_of_date as previous_as_of_date,
        {%- for column in cell_key %}
            ranged.{{ column }},
        {%- endfor %}
        ranged.previous_value,
        ranged.value,
        coalesce(
            range_causes.cause,
            if(ranged.has_groups and ranged.dimension <> 'all' and not known_groups.are_known, 'regrouping', 'unknown')
        ) as cause
    from ranged
    cross join {{ ref('int_run__context') }} as context
    cross join last_release
    cross join known_groups
    left join range_causes
        on ranged.range_number = range_causes.range_number

),

final as (

    select *
    from {{ ref('int_revenue__last_restatements') }}
    union all by name
    select *
    from found

)

select
    restated_date,
    previous_release_id,
    previous_as_of_date,
    table_name,
    figure,
    month,
    dimension,
    segment,
    basis,
    span_months,
    previous_value,
    value,
    cause
from final
