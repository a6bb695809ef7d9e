{#- A sum of decimals as money: sums widen to decimal(38,4), a mart's money is decimal(18,4). -#}
{% macro money(expression) -%}
    cast({{ expression }} as decimal(18, 4))
{%- endmacro %}
