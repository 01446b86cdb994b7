-- What 0002 put into packed runs and chunks.

drop table param;
drop table latest_metric;
drop table metric_tail;
drop table metric_key;
drop table evaluation;
drop table artifact_ref;
