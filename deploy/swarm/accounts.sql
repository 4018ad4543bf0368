CREATE DATABASE IF NOT EXISTS balance_board CHARACTER SET ascii COLLATE ascii_bin;
CREATE USER IF NOT EXISTS 'board'@'%' IDENTIFIED BY '{{secret "owner-password"}}';
ALTER USER 'board'@'%' IDENTIFIED BY '{{secret "owner-password"}}';
GRANT ALL PRIVILEGES ON balance_board.* TO 'board'@'%';
CREATE USER IF NOT EXISTS 'board_replica'@'%' IDENTIFIED BY '{{secret "replica-password"}}';
ALTER USER 'board_replica'@'%' IDENTIFIED BY '{{secret "replica-password"}}';
GRANT SELECT, INSERT, UPDATE, DELETE ON balance_board.* TO 'board_replica'@'%';

ALTER USER 'board_replica'@'%' WITH MAX_USER_CONNECTIONS 300;
ALTER USER 'board'@'%' WITH MAX_USER_CONNECTIONS 15;
CREATE USER IF NOT EXISTS 'root'@'localhost' IDENTIFIED BY '{{secret "root-password"}}';
ALTER USER 'root'@'localhost' IDENTIFIED BY '{{secret "root-password"}}';
CREATE USER IF NOT EXISTS 'board_health'@'127.0.0.1' IDENTIFIED BY '{{secret "health-password"}}';
ALTER USER 'board_health'@'127.0.0.1' IDENTIFIED BY '{{secret "health-password"}}';
