{#- Whether what a row tells of counts as first value: of a success plan's steps the one of the var alone. -#}
{% macro is_first_value(rows) -%}
    {{ rows }}.clock <> 'contract_start' or {{ rows }}.criterion = '{{ var("first_value_milestone") }}'
{%- endmacro %}
