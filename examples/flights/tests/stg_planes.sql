-- `NA` is unknown, and no year or speed.
TEST na_is_null OF VIEW stg_planes
GIVEN planes AS CSV '
  tailnum, year, type,                    speed
  N101,    1998, Fixed wing multi engine, NA
  N102,    NA,   Rotorcraft,              112
'
EXPECT AS CSV '
  tailnum, built_year, plane_type,              cruise_speed
  N101,    1998,       Fixed wing multi engine,
  N102,    ,           Rotorcraft,              112
';
