drop table app.broker_states;
