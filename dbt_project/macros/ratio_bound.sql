{#-
    The 95 % interval of a ratio of two sums over customers, as `nrr` = sum(end) / sum(start): the ratio's linearised
    variance (Cochran 1977, Sampling Techniques, 6.2), from the sums of squares and products that the row holds. NULL
    below two customers, and where all have the same ratio: that nobody of a few was lost doesn't show that nobody
    will be.

    part: such as `end` or `kept`, of which the columns `<part>_squares` and `<part>_products` are. least, most: what the
    ratio can't leave, or none.
-#}
{% macro ratio_low(ratio, part, least=0) -%}
    {%- set bound = _ratio_bound(ratio, part, -1) -%}
    {{ _where_they_differ(ratio, part, bound if least is none else 'greatest(' ~ bound ~ ', ' ~ least ~ ')') }}
{%- endmacro %}

{% macro ratio_high(ratio, part, most=none) -%}
    {%- set bound = _ratio_bound(ratio, part, 1) -%}
    {{ _where_they_differ(ratio, part, bound if most is none else 'least(' ~ bound ~ ', ' ~ most ~ ')') }}
{%- endmacro %}

{#- Sums of doubles: what is left of them where all have one ratio is no difference. -#}
{% macro _where_they_differ(ratio, part, bound) -%}
    case
        when start_customer_count > 1 and {{ _ratio_squares(ratio, part) }} > 1e-12 * start_squares then {{ bound }}
    end
{%- endmacro %}

{% macro _ratio_bound(ratio, part, side) -%}
    {{ ratio }} + {{ side }} * 1.959963984540054 * sqrt(
        {{ _ratio_squares(ratio, part) }} * start_customer_count / (start_customer_count - 1)
    ) / start_amount
{%- endmacro %}

{% macro _ratio_squares(ratio, part) -%}
    ({{ part }}_squares - 2 * {{ ratio }} * {{ part }}_products + {{ ratio }} * {{ ratio }} * start_squares)
{%- endmacro %}
