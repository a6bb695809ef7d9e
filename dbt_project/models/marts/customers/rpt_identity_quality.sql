{#- A share has Wilson's interval; what labels tell has the bootstrap's, and a ratio above 1 has none. -#}
with told_fields as (

    select
        'customer' as entity,
        field,
        count(distinct customer_id) as told_count
    from {{ ref('int_customers__field_winners') }}
    group by field
    union all
    select
        'person' as entity,
        field,
        count(distinct person_id) as told_count
    from {{ ref('int_customers__person_values') }}
    group by field

),

conflicts as (

    select
        entity,
        field,
        count(distinct coalesce(customer_id, person_id)) as conflict_count
    from {{ ref('rpt_source_conflicts') }}
    group by entity, field

),

conflict_figures as (

    select
        told_fields.entity,
        'source_conflict_rate' as metric,
        told_fields.field as segment,
        coalesce(conflicts.conflict_count, 0) / told_fields.told_count as value,
        coalesce(conflicts.conflict_count, 0) as num,
        told_fields.told_count as den
    from told_fields
    left join conflicts using (entity, field)

),

figures as (

    select *
    from {{ ref('int_customers__id_figures') }}
    union all by name
    select *
    from {{ ref('int_customers__edge_figures') }}
    union all by name
    select *
    from conflict_figures

),

final as (

    select *
    from {{ ref('int_customers__label_quality') }}
    union all by name
    select
        *,
        case when metric <> 'records_per_id' then {{ wilson_low('num', 'den') }} end as ci_low,
        case when metric <> 'records_per_id' then {{ wilson_high('num', 'den') }} end as ci_high
    from figures

)

select
    entity,
    metric,
    segment,
    cast(value as double) as value,
    cast(num as double) as num,
    cast(den as double) as den,
    cast(ci_low as double) as ci_low,
    cast(ci_high as double) as ci_high
from final
