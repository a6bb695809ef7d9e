{{ connected(ref('int_customers__compared_companies'), ref('int_customers__company_edges')) }}  -- noqa: PRS
