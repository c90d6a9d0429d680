# Holds one throwaway standby for as long as its standard input is open, as watchdog.sh does for its primary.
# Arguments: the folder, PostgreSQL's programs, how the primary is reached. Prints "ready" or "failed" once.
trap '' INT TERM HUP
root=$1 bin=$2 primary=$3
umask 077
cd "$root" || exit 1

# Where the folder holds links to some of the programs, the others are beside what the links lead to.
copy() {
    PATH=$bin:$(dirname "$(readlink -f "$bin/postgres")"):$PATH
    pg_basebackup -D "$root/data" -d "$primary" -c fast -X stream -R --no-sync >>"$root/log" 2>&1
}
start() {
    cat "$root/settings" >>"$root/data/postgresql.auto.conf" &&
        "$bin/pg_ctl" -D "$root/data" -l "$root/log" -w -t 60 -s start >>"$root/log" 2>&1
}

if copy && start; then echo ready; else echo failed; fi

read -r word
"$bin/pg_ctl" -D "$root/data" -m immediate -w -s stop >/dev/null 2>&1
cd /
rm -rf "$root"
