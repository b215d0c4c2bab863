-- Queries whose plans are captured as fixtures, each under a name that says the rule it shows. `capture_plans` writes the plans;
-- tests/golden/lineage has the lineage of each. The tables are declared in capture_plans.cc.

-- renamed_column_is_identity
SELECT carrier AS airline, origin FROM flights;

-- unread_columns_are_not_required
SELECT dest FROM (SELECT *, dep_delay + arr_delay AS total FROM flights);

-- computed_column_names_all_its_sources
SELECT dep_delay + arr_delay AS delay, upper(carrier) || '-' || CAST(flight AS VARCHAR) AS code FROM flights;

-- literal_has_no_inputs
SELECT 1 AS one, 'x' AS letter, NULL AS nothing FROM flights;

-- filter_influences_every_row
SELECT carrier FROM flights WHERE origin = 'JFK' AND dep_delay > 15;

-- filter_column_is_required_though_not_put_out
SELECT flight FROM flights WHERE upper(dest) LIKE 'B%' OR distance IN (100, 200, 300, 400, 500);

-- join_keys_are_uses_of_both_sides
SELECT f.flight, p.seats FROM flights f JOIN planes p ON f.tailnum = p.tailnum;

-- join_condition_that_is_no_equality_is_a_filter
SELECT f.flight, p.seats FROM flights f LEFT JOIN planes p ON f.tailnum = p.tailnum AND f.year > p.year;

-- self_join_keeps_the_two_sides_apart
SELECT a.faa AS from_faa, b.faa AS to_faa, a.lat - b.lat AS north FROM airports a JOIN airports b ON a.tz = b.tz AND a.faa < b.faa;

-- using_join_takes_the_key_once
SELECT tailnum, seats, carrier FROM flights JOIN planes USING (tailnum);

-- full_join_coalesces_both_keys
SELECT coalesce(a.tailnum, b.tailnum) AS tailnum, a.flight FROM flights a FULL JOIN planes b ON a.tailnum = b.tailnum;

-- cross_join_has_no_keys
SELECT a.faa, p.manufacturer FROM airports a CROSS JOIN planes p;

-- exists_becomes_a_semi_join
SELECT name FROM airports a WHERE EXISTS (SELECT 1 FROM flights f WHERE f.dest = a.faa AND f.dep_delay > 60);

-- not_in_becomes_an_anti_join
SELECT name FROM airports WHERE faa NOT IN (SELECT dest FROM flights WHERE dest IS NOT NULL);

-- in_within_or_becomes_a_mark_join
SELECT name FROM airports WHERE tz = 1 OR faa IN (SELECT dest FROM flights);

-- group_keys_influence_rows
SELECT carrier, count(*) AS flights, sum(distance) AS miles FROM flights GROUP BY carrier;

-- having_is_a_filter_over_an_aggregate
SELECT carrier FROM flights GROUP BY carrier HAVING avg(dep_delay) > 10;

-- computation_over_an_aggregate_stays_an_aggregation
SELECT carrier, sum(arr_delay) / count(arr_delay) AS mean_delay FROM flights GROUP BY carrier;

-- aggregate_filter_touches_its_column_only
SELECT carrier, count(flight) FILTER (WHERE dep_delay > 60) AS late, max(distance) AS longest FROM flights GROUP BY carrier;

-- aggregate_order_is_an_order_use
SELECT carrier, array_agg(dest ORDER BY time_hour) AS path, first_value(origin ORDER BY flight DESC) AS first FROM flights GROUP BY carrier;

-- distinct_aggregate_is_an_aggregation
SELECT origin, count(DISTINCT dest) AS destinations FROM flights GROUP BY origin;

-- grouping_by_an_expression
SELECT date_trunc('month', time_hour) AS month, approx_distinct(tailnum) AS planes FROM flights GROUP BY 1;

-- count_of_rows_needs_no_column
SELECT count(*) AS n FROM airports;

-- grouping_sets_group_by_all_their_members
SELECT origin, carrier, grouping(carrier) AS total, sum(distance) AS miles FROM flights GROUP BY GROUPING SETS ((origin, carrier), (origin), ());

-- rollup_groups_by_all_its_members
SELECT year, month, count(*) AS n FROM flights GROUP BY ROLLUP (year, month);

-- cube_groups_by_all_its_members
SELECT origin, dest, avg(air_time) AS mean FROM flights GROUP BY CUBE (origin, dest);

-- distinct_groups_by_every_column
SELECT DISTINCT origin, dest FROM flights;

-- distinct_on_groups_by_its_keys
SELECT DISTINCT ON (tailnum) tailnum, flight, time_hour FROM flights ORDER BY tailnum, time_hour DESC;

-- window_keys_touch_the_window_column_only
SELECT flight, row_number() OVER (PARTITION BY carrier ORDER BY time_hour) AS nth FROM flights;

-- window_argument_is_a_value
SELECT flight, lag(dep_delay, 1) OVER (PARTITION BY tailnum ORDER BY time_hour) AS before FROM flights;

-- window_frame_in_rows
SELECT flight, avg(dep_delay) OVER (PARTITION BY origin ORDER BY time_hour ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS rolling FROM flights;

-- window_over_an_aggregate_is_a_window
SELECT carrier, month, sum(count(*)) OVER (PARTITION BY carrier ORDER BY month) AS so_far FROM flights GROUP BY carrier, month;

-- filter_on_a_window_filters_by_its_keys
SELECT origin, flight FROM (SELECT origin, flight, rank() OVER (PARTITION BY origin ORDER BY dep_delay DESC) AS place FROM flights) WHERE place <= 3;

-- order_by_with_limit_influences_rows
SELECT flight FROM flights ORDER BY dep_delay DESC NULLS LAST, carrier LIMIT 10;

-- order_by_expression
SELECT flight, carrier, arr_delay FROM flights ORDER BY dep_delay - arr_delay;

-- limit_alone_has_no_inputs
SELECT faa FROM airports LIMIT 5 OFFSET 2;

-- union_merges_by_position
SELECT faa AS code, name FROM airports UNION ALL SELECT tailnum, manufacturer FROM planes;

-- union_distinct_groups_by_every_column
SELECT origin AS place FROM flights UNION SELECT dest FROM flights;

-- filter_of_a_branch_influences_the_union
SELECT faa AS code FROM airports WHERE tz > 0 UNION ALL SELECT 'none' FROM planes WHERE seats > 100;

-- intersect_is_a_join_on_every_column
SELECT tailnum FROM flights INTERSECT SELECT tailnum FROM planes;

-- except_is_an_anti_join_on_every_column
SELECT faa FROM airports EXCEPT SELECT dest FROM flights;

-- common_table_expressions_are_inlined
WITH late AS (SELECT carrier, dep_delay FROM flights WHERE dep_delay > 30), worst AS (SELECT carrier, max(dep_delay) AS most FROM late GROUP BY carrier)
SELECT l.carrier, l.dep_delay / w.most AS share FROM late l JOIN worst w ON l.carrier = w.carrier;

-- scalar_subquery_flows_into_its_column_only
SELECT flight, distance - (SELECT avg(distance) FROM flights WHERE origin = 'JFK') AS more FROM flights;

-- scalar_subquery_in_a_filter_is_a_filter
SELECT flight FROM flights WHERE distance > (SELECT max(seats) FROM planes WHERE manufacturer = 'BOEING');

-- correlated_subquery_becomes_a_join
SELECT a.faa, (SELECT count(*) FROM flights f WHERE f.dest = a.faa) AS arrivals FROM airports a;

-- nested_subqueries
SELECT faa FROM airports WHERE tz = (SELECT max(tz) FROM airports WHERE lat > (SELECT min(lat) FROM airports));

-- recursive_query_reaches_its_fixpoint
WITH RECURSIVE reach AS (
  SELECT source AS start, target AS stop, 1 AS hops FROM edges WHERE source = 1
  UNION ALL
  SELECT r.start, e.target, r.hops + 1 FROM reach r JOIN edges e ON r.stop = e.source WHERE r.hops < 4)
SELECT start, stop, hops FROM reach;

-- recursive_columns_swap_their_sources
WITH RECURSIVE pairs AS (
  SELECT source AS a, target AS b, weight AS c, 0 AS depth FROM edges
  UNION ALL
  SELECT b, c, a, depth + 1 FROM pairs WHERE depth < 3)
SELECT a, depth FROM pairs;

-- recursive_query_with_distinct
WITH RECURSIVE nodes AS (SELECT source AS node FROM edges UNION SELECT e.target FROM nodes n JOIN edges e ON n.node = e.source)
SELECT node FROM nodes;

-- recursive_numbers_read_no_table
WITH RECURSIVE numbers AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM numbers WHERE n < 10) SELECT n FROM numbers;

-- unnest_of_a_list_influences_rows
SELECT id, unnest(tags) AS tag FROM events;

-- filter_over_an_unnested_list
SELECT id, tag FROM (SELECT id, unnest(tags) AS tag FROM events) WHERE tag <> '' AND id > 3;

-- unnest_of_a_struct_keeps_rows
SELECT id, unnest(info) FROM events;

-- struct_field_is_a_path
SELECT id, info['a']['b'] AS b, info['d'] AS d, upper(info['a']['c']) AS c FROM events;

-- struct_and_path_through_a_subquery
SELECT outer_a['b'] AS b FROM (SELECT info['a'] AS outer_a FROM events WHERE info['d'] = 'x');

-- struct_built_and_taken_apart
SELECT named_struct('x', id, 'y', value) AS pair FROM events;

-- case_reads_conditions_and_results
SELECT CASE WHEN dep_delay > 60 THEN 'late' WHEN arr_delay < 0 THEN carrier ELSE dest END AS verdict FROM flights;

-- case_with_a_base
SELECT CASE origin WHEN 'JFK' THEN distance WHEN 'LGA' THEN 0 END AS miles FROM flights;

-- casts_are_transformations
SELECT CAST(distance AS DOUBLE) AS miles, TRY_CAST(tailnum AS INT) AS number FROM flights;

-- null_tests_and_negations
SELECT dep_delay IS NULL AS unknown, NOT (distance > 5) AS near, -arr_delay AS early, dep_delay BETWEEN 0 AND 5 AS fine FROM flights;

-- boolean_tests
SELECT (dep_delay > 0) IS TRUE AS a, (dep_delay > 1) IS NOT TRUE AS b, (dep_delay > 2) IS FALSE AS c, (dep_delay > 3) IS UNKNOWN AS d, (dep_delay > 4) IS NOT UNKNOWN AS e FROM flights;

-- patterns
SELECT carrier LIKE 'A%' AS a, carrier NOT ILIKE '%b' AS b, carrier ~ '^A+$' AS c, carrier SIMILAR TO 'A%' AS d FROM flights;

-- values_are_literals
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(number, letter);

-- values_joined_with_a_table
SELECT f.flight, v.label FROM flights f JOIN (VALUES ('JFK', 'Kennedy'), ('LGA', 'La Guardia')) AS v(code, label) ON f.origin = v.code;

-- query_without_a_table
SELECT 1 + 1 AS two;

-- impossible_filter_reads_nothing
SELECT flight, carrier FROM flights WHERE 1 = 2;

-- impossible_branch_of_a_union
SELECT faa FROM airports UNION ALL SELECT tailnum FROM planes WHERE false;

-- table_in_a_schema
SELECT run_id, state FROM weir.runs WHERE state = 'done';

-- quoted_names
SELECT "Odd Name", "a.b" + 1 AS "Sum.of" FROM odd;

-- same_table_twice_is_two_scans
SELECT (SELECT max(lat) FROM airports) AS north, (SELECT min(lat) FROM airports) AS south;

-- list_literals_and_functions
SELECT array_has(['JFK', 'LGA'], origin) AS near, make_array(dest, origin) AS both FROM flights;

-- dates_and_intervals
SELECT time_hour + INTERVAL '1 day' AS tomorrow, time_hour < TIMESTAMP '2013-06-01T00:00:00' AS early, date_part('hour', time_hour) AS hour FROM flights;

-- volatile_function
SELECT flight, random() AS dice FROM flights;

-- aggregates_that_depend_on_the_order_of_rows
SELECT first_value(flight) AS f, array_agg(carrier) AS a, string_agg(dest, ',') AS s, sum(distance) AS exact FROM flights;

-- order_independent_aggregates
SELECT carrier, min(flight) AS low, max(flight) AS high, count(*) AS n, sum(distance) AS total, bool_and(dep_delay > 0) AS all_late FROM flights GROUP BY carrier;

-- sum_of_floats
SELECT carrier, sum(air_time) AS time FROM flights GROUP BY carrier;

-- view_inside_a_view_is_inlined
SELECT code, count(*) AS n FROM short_flights WHERE delay > 5 GROUP BY code;

-- table_in_the_default_schema
SELECT name FROM public.airports;

-- sum_over_layers_of_whole_numbers
SELECT carrier, sum(n) AS total FROM (SELECT carrier, origin, sum(distance * 2) AS n FROM flights GROUP BY carrier, origin) GROUP BY carrier;

-- window_over_the_whole_partition
SELECT flight, max(distance) OVER (PARTITION BY carrier) AS longest FROM flights;

-- limit_over_an_order_of_every_column
SELECT origin, dest FROM flights ORDER BY dest, origin LIMIT 7;

-- aggregate_ordered_by_its_own_values
SELECT carrier, array_agg(dest ORDER BY dest) AS places FROM flights GROUP BY carrier;

-- join_of_a_view_with_itself
SELECT a.code, b.delay FROM short_flights a JOIN short_flights b ON a.code = b.code AND a.delay < b.delay;

-- aggregate_over_a_union
SELECT place, count(*) AS n FROM (SELECT origin AS place, time_hour FROM flights UNION ALL SELECT dest, time_hour FROM flights) GROUP BY place;

-- right_join_keeps_column_order
SELECT p.tailnum, f.flight FROM flights f RIGHT JOIN planes p ON f.tailnum = p.tailnum WHERE f.distance > 10 OR f.flight IS NULL;

-- three_layers_of_windows_and_aggregates
WITH daily AS (SELECT carrier, month, day, avg(dep_delay) AS mean FROM flights GROUP BY carrier, month, day),
ranked AS (SELECT *, rank() OVER (PARTITION BY carrier ORDER BY mean DESC) AS place FROM daily)
SELECT carrier, min(mean) AS best, count(*) AS days FROM ranked WHERE place < 10 GROUP BY carrier;

-- lateral_column_of_a_list_of_structs
SELECT id, item['a'] AS a FROM (SELECT id, unnest([named_struct('a', id, 'b', value)]) AS item FROM events);

-- subqueries_in_several_places
SELECT flight + (SELECT max(seats) FROM planes) AS a, CASE WHEN distance > (SELECT avg(lat) FROM airports) THEN 1 ELSE 2 END AS b
FROM flights WHERE dep_delay > (SELECT min(weight) FROM edges) AND origin IN (SELECT faa FROM airports WHERE tz > (SELECT max(tz) - 3 FROM airports));

-- subquery_in_having
SELECT carrier, sum(distance) AS miles FROM flights GROUP BY carrier HAVING sum(distance) > (SELECT avg(seats) FROM planes);

-- subquery_in_a_join_condition
SELECT f.flight, a.name FROM flights f LEFT JOIN airports a ON f.dest = a.faa AND a.lat > (SELECT min(lon) FROM airports);

-- subquery_in_an_aggregate_and_an_order
SELECT carrier, sum(distance - (SELECT min(seats) FROM planes)) AS more FROM flights GROUP BY carrier ORDER BY more - (SELECT max(tz) FROM airports) LIMIT 3;

-- subquery_over_a_recursive_query
WITH RECURSIVE steps AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM steps WHERE n < (SELECT max(weight) FROM edges))
SELECT id, (SELECT max(n) FROM steps) AS longest FROM events;

-- recursive_term_with_two_tables
WITH RECURSIVE routes AS (
  SELECT origin, dest, 1 AS legs FROM flights WHERE carrier = 'UA'
  UNION ALL
  SELECT r.origin, f.dest, r.legs + 1 FROM routes r JOIN flights f ON r.dest = f.origin JOIN airports a ON f.dest = a.faa WHERE r.legs < 3 AND a.tz < 0)
SELECT dest, min(legs) AS legs FROM routes GROUP BY dest;

-- union_of_three_with_different_work
SELECT carrier AS k, count(*) AS n FROM flights GROUP BY carrier UNION ALL SELECT name, tz FROM airports UNION ALL SELECT manufacturer, 1 FROM planes;

-- window_of_a_window
SELECT flight, sum(nth) OVER (ORDER BY flight) AS total FROM (SELECT flight, row_number() OVER (PARTITION BY carrier ORDER BY time_hour) AS nth FROM flights);

-- field_of_a_struct_put_together_is_that_field_alone
SELECT pair['b'] AS b FROM (SELECT named_struct('a', id, 'b', value) AS pair, at FROM events) WHERE pair['a'] > 3;

-- struct_put_together_is_known_by_its_fields
SELECT id, named_struct('low', least(value, 1.0), 'tags', tags, 'inner', named_struct('at', at)) AS packed FROM events;

-- struct_gathered_and_unnested_is_known_by_its_fields
SELECT carrier, leg['d'] AS dest FROM (SELECT carrier, unnest(legs) AS leg FROM (SELECT carrier, array_agg(named_struct('o', origin, 'd', dest)) AS legs FROM flights GROUP BY carrier));

-- struct_of_two_branches_is_merged_field_by_field
SELECT pair['a'] AS a FROM (SELECT named_struct('a', origin, 'b', carrier) AS pair FROM flights UNION ALL SELECT named_struct('a', faa, 'b', name) FROM airports);

-- map_value_by_a_literal_key_is_that_value_alone
SELECT m['x'] AS x FROM (SELECT MAP {'x': origin, 'y': dest} AS m, flight FROM flights) WHERE flight > 7;

-- map_value_by_a_column_may_be_any
SELECT m[carrier] AS any FROM (SELECT MAP {'x': origin, 'y': dest} AS m, carrier FROM flights);

-- map_is_known_by_its_keys
SELECT MAP {'x': distance, 'y': flight + 1} AS m FROM flights;

-- element_of_a_list_put_together_is_that_element_alone
SELECT [origin, dest][2] AS second, [origin, dest][flight] AS any FROM flights;

-- element_of_a_stored_list
SELECT id, tags[1] AS first, upper(tags[2]) AS loud FROM events;

-- list_functions_read_the_whole_list
SELECT id, array_length(tags) AS n, array_sort(tags) AS sorted FROM events;

-- whole_struct_and_one_field
SELECT info, info['a'] AS a FROM events WHERE info['d'] = 'x';

-- correlated_scalar_subquery_touches_its_column_only
SELECT faa, name, (SELECT max(f.distance) FROM flights f WHERE f.dest = a.faa AND f.carrier = 'UA') AS farthest FROM airports a;

-- correlated_subquery_in_a_filter_touches_every_row
SELECT f.flight FROM flights f WHERE f.distance > (SELECT avg(g.distance) FROM flights g WHERE g.carrier = f.carrier);

-- correlated_exists_within_or_is_a_filter
SELECT name FROM airports a WHERE lat > 0 OR EXISTS (SELECT 1 FROM flights f WHERE f.dest = a.faa);

-- lookup_in_an_aggregate_touches_the_looked_up_only
SELECT p.tailnum, p.seats, t.total FROM planes p LEFT JOIN (SELECT tailnum, sum(distance) AS total FROM flights GROUP BY tailnum) t ON p.tailnum = t.tailnum;

-- left_join_on_less_than_the_keys_may_multiply_rows
SELECT p.seats, t.n FROM planes p LEFT JOIN (SELECT tailnum, carrier, count(*) AS n FROM flights GROUP BY tailnum, carrier) t ON p.tailnum = t.tailnum;

-- nested_case_keeps_conditions_apart
SELECT CASE carrier WHEN 'UA' THEN CASE WHEN distance > 500 THEN origin ELSE dest END ELSE tailnum END AS place FROM flights;

-- if_over_an_aggregate
SELECT carrier, CASE WHEN count(*) > 10 THEN max(dest) ELSE 'few' END AS best FROM flights GROUP BY carrier;

-- recursive_query_that_carries_a_struct
WITH RECURSIVE walk AS (
  SELECT source AS at, named_struct('from', source, 'weight', weight) AS start, 1 AS n FROM edges
  UNION ALL
  SELECT e.target, w.start, w.n + 1 FROM walk w JOIN edges e ON w.at = e.source WHERE w.n < 5)
SELECT at, start FROM walk;

-- common_table_expression_read_twice
WITH delays AS (SELECT carrier, avg(dep_delay) AS mean FROM flights GROUP BY carrier)
SELECT a.carrier, a.mean - b.mean AS difference FROM delays a CROSS JOIN delays b;

-- nested_set_operations
(SELECT origin AS place FROM flights INTERSECT SELECT faa FROM airports WHERE tz > 0) EXCEPT SELECT dest FROM flights;

-- window_with_filter_and_ranks
SELECT flight, sum(distance) FILTER (WHERE dep_delay > 0) OVER (PARTITION BY carrier ORDER BY time_hour) AS late, dense_rank() OVER (ORDER BY distance DESC) AS place FROM flights;

-- lateral_join_is_a_correlated_subquery
SELECT a.faa, x.n FROM airports a LEFT JOIN LATERAL (SELECT count(*) AS n FROM flights f WHERE f.dest = a.faa) x ON true;

-- windows_over_the_same_keys
SELECT flight, row_number() OVER (PARTITION BY carrier ORDER BY time_hour) AS nth, rank() OVER (PARTITION BY carrier ORDER BY time_hour) AS place, dest FROM flights;

-- last_value_of_peers
SELECT carrier, last_value(flight) OVER (PARTITION BY carrier ORDER BY time_hour) AS last FROM flights;

-- first_groups_by_their_count
SELECT carrier, origin, n, last FROM (SELECT carrier, origin, count(*) AS n, max(flight) AS last FROM flights GROUP BY carrier, origin) ORDER BY n DESC LIMIT 3;

-- first_groups_by_their_keys
SELECT carrier, count(*) AS n FROM flights GROUP BY carrier ORDER BY carrier LIMIT 3;

-- rows_after_an_offset
SELECT count(*) AS n, sum(flight) AS total FROM (SELECT flight FROM flights ORDER BY time_hour OFFSET 5);

-- approximate_percentile
SELECT carrier, approx_percentile_cont(0.9) WITHIN GROUP (ORDER BY dep_delay) AS late FROM flights GROUP BY carrier;

-- lists_in_an_aggregate
SELECT at, first_value(tags) AS tags FROM events GROUP BY at;
