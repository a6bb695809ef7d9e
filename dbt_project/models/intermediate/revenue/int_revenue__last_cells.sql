{{ config(materialized='view') }}
with cells as (

    {% for table in settled_tables() -%}
        {{ cells_of(table, published(table.name, cell_columns(table))) }}
        {{ "union all by name" if not loop.last }}
    {% endfor %}

)

select *
from cells
