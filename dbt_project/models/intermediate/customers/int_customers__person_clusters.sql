{{ connected(ref('int_customers__compared_people'), ref('int_customers__person_edges')) }}  -- noqa: PRS
