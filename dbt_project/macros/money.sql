{#- A sum of decimals as money: sums widen to decimal(38,4), a mart's money is decimal(18,4). -#}
{% macro money(expression) -%}
    cast({{ expression }} as decimal(18, 4))
{%- endmacro %}

{#-
    An amount in the currency's smallest unit as money. Two decimals, but for the currencies that have none or three
    (ISO 4217). ISK and UGX have none either, but payment systems count them in hundredths still (Stripe: "Special
    cases"), so they are not in the list.
-#}
{% macro money_from_minor_units(amount, currency) -%}
    {%- set no_decimals = [
        'BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'
    ] -%}
    {{ money(
        amount ~ " * case"
        ~ " when upper(" ~ currency ~ ") in ('" ~ no_decimals | join("', '") ~ "') then 1.000"
        ~ " when " ~ _has_three_decimals(currency) ~ " then 0.001"
        ~ " else 0.010 end"
    ) }}
{%- endmacro %}

{% macro _has_three_decimals(currency) -%}
    upper({{ currency }}) in ('BHD', 'JOD', 'KWD', 'OMR', 'TND')
{%- endmacro %}

{#- An amount to the currency's smallest unit. -#}
{% macro money_to_the_cent(amount, currency) -%}
    {{ money(
        "case when " ~ _has_three_decimals(currency)
        ~ " then round(" ~ amount ~ ", 3) else round(" ~ amount ~ ", 2) end"
    ) }}
{%- endmacro %}

{#- What an MRR comes to in a year: a contract of 5,000 has an MRR of 416.6667, and twelve of these are 0.0004 more. -#}
{% macro yearly_money(mrr, currency) -%}
    {{ money_to_the_cent("12 * (" ~ mrr ~ ")", currency) }}
{%- endmacro %}

{#-
    An amount at a rate as money. DuckDB multiplies two decimals of 18 digits in 18 digits, and fails from 9.2 million
    on; in 38 digits it is right, but rounds a hundred times as slowly. So the wide way is for what needs it.
-#}
{% macro money_at_rate(amount, rate) -%}
    case
        when {{ rate }} = 1 then {{ money(amount) }}
        when abs(cast({{ amount }} as double)) * {{ rate }} < 1000000 then {{ money('(' ~ amount ~ ') * ' ~ rate) }}
        else {{ money('cast(' ~ amount ~ ' as decimal(38, 4)) * ' ~ rate) }}
    end
{%- endmacro %}

{#- The exact product of two amounts, of any size; see `money_at_rate`. -#}
{% macro exact_product(amount, other) -%}
    cast({{ amount }} as decimal(38, 4)) * {{ other }}
{%- endmacro %}
