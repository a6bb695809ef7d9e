{{ config(materialized='view') }}
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
from {{
    published('rpt_restatements', {
        'restated_date': 'date', 'previous_release_id': 'varchar', 'previous_as_of_date': 'date',
        'table_name': 'varchar', 'figure': 'varchar', 'month': 'date', 'dimension': 'varchar', 'segment': 'varchar',
        'basis': 'varchar', 'span_months': 'integer', 'previous_value': 'decimal(28, 8)', 'value': 'decimal(28, 8)',
        'cause': 'varchar'
    })
}}
