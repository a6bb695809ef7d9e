{#- A model's schema is the one it names: a release's schemas are part of its contract, so no target prefix. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
