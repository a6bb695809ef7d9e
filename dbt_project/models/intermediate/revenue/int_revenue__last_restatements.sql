{{ config(materialized='view') }}
select
    restatements.restated_date,
    restatements.previous_release_id,
    restatements.previous_as_of_date,
    restatements.table_name,
    restatements.figure,
    restatements.month,
    restatements.dimension,
    restatements.segment,
    restatements.basis,
    restatements.span_months,
    restatements.previous_value,
    restatements.value,
    restatements.cause
from {{
    published('rpt_restatements', {
        'restated_date': 'date', 'previous_release_id': 'varchar', 'previous_as_of_date': 'date',
        'table_name': 'varchar', 'figure': 'varchar', 'month': 'date', 'dimension': 'varchar', 'segment': 'varchar',
        'basis': 'varchar', 'span_months': 'integer', 'previous_value': 'decimal(28, 8)', 'value': 'decimal(28, 8)',
        'cause': 'varchar'
    })
}} as restatements
inner join {{ ref('int_run__context') }} as context
    on restatements.restated_date <= context.as_of_date
