-- Who may do work that one server at a time does, and until when. A lock of the database server would not exclude a server of the
-- application that uses another node of a cluster. A server of the previous release still takes such locks: while both releases
-- run, two servers may do the same work, which changes no sum for long.
CREATE TABLE `lease` (
    `name` VARCHAR(16) NOT NULL,
    `owner` CHAR(32) NOT NULL,
    `until_at` DATETIME(3) NOT NULL,

    PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
