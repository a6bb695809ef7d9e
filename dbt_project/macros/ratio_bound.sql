{#-
    The 95 % interval of a ratio of two sums over customers, as `nrr` = sum(end) / sum(start): the ratio's linearised
    variance (Cochran 1977, Sampling Techniques, 6.2), from the sums of squares and products that the row holds. NULL
    below two customers.

    part: such as `end` or `kept`, of which the columns `<part>_squares` and `<part>_products` are. least, most: what the
    ratio can't leave, or none.
-#}
{% macro ratio_low(ratio, part, least=0) -%}
    {%- if least is none -%}
        {{ _ratio_bound(ratio, part, -1) }}
    {%- else -%}
        case when start_customer_count > 1 then greatest({{ _ratio_bound(ratio, part, -1) }}, {{ least }}) end
    {%- endif -%}
{%- endmacro %}

{% macro ratio_high(ratio, part, most=none) -%}
    {%- if most is none -%}
        {{ _ratio_bound(ratio, part, 1) }}
    {%- else -%}
        case when start_customer_count > 1 then least({{ _ratio_bound(ratio, part, 1) }}, {{ most }}) end
    {%- endif -%}
{%- endmacro %}

{% macro _ratio_bound(ratio, part, side) -%}
    {{ ratio }} + {{ side }} * 1.959963984540054 * sqrt(
        greatest(
            {{ part }}_squares - 2 * {{ ratio }} * {{ part }}_products + {{ ratio }} * {{ ratio }} * start_squares, 0
        )
        * start_customer_count / nullif(start_customer_count - 1, 0)
    ) / nullif(start_amount, 0)
{%- endmacro %}
