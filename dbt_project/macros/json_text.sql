{#- A field of a JSON text, as text; NULL where there is none. Text that isn't JSON has none, and breaks no run. -#}
{% macro json_text(column, field) -%}
    try(json_extract_string({{ column }}, '$.{{ field }}'))
{%- endmacro %}
