{#- A sum of decimals as money: sums widen to decimal(38,4), a mart's money is decimal(18,4). -#}
{% macro money(expression) -%}
    cast({{ expression }} as decimal(18, 4))
{%- endmacro %}

{#- A sum of amounts, or NULL where they are in several currencies: such a sum would be no amount at all. -#}
{% macro single_currency_sum(amount, currency) -%}
    case
        when min({{ currency }}) = max({{ currency }}) then {{ money('sum(' ~ amount ~ ')') }}
    end
{%- endmacro %}
