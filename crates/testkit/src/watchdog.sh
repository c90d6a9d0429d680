# Holds one throwaway server for as long as its standard input is open: when the process at the other end
# closes it, exits or is killed, the server is stopped and the folder removed. It ignores signals, since a
# Ctrl-C or a polite kill that reaches it too must not keep it from cleaning up.
# Arguments: the folder, PostgreSQL's programs. Prints "ready" or "failed" once.
trap '' INT TERM HUP
root=$1 bin=$2
umask 077
cd "$root" || exit 1

initialise() {
    "$bin/initdb" -D "$root/data" -U postgres -A trust -E UTF8 --locale="$1" --no-sync >>"$root/log" 2>&1
}
start() {
    cat "$root/settings" >>"$root/data/postgresql.conf" &&
        "$bin/pg_ctl" -D "$root/data" -l "$root/log" -w -t 60 -s start >>"$root/log" 2>&1
}

if { initialise C.UTF-8 || initialise C; } && start; then echo ready; else echo failed; fi

read -r word
[ "$word" = keep ] && exit 0
"$bin/pg_ctl" -D "$root/data" -m immediate -w -s stop >/dev/null 2>&1
cd /
rm -rf "$root"
