#!/bin/sh
# Makes what the images are built of, without a registry: the program, and Debian's Postgres of this machine with its libraries.
set -eu
cd "$(dirname "$0")"
CGO_ENABLED=0 go build -o .bin/payments .

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
if [ -z "$bin" ]; then
  echo "there is no Postgres here: apt install postgresql" >&2
  exit 1
fi
home=${bin%/bin}
root=$PWD/postgres/.bin/root
if [ -e "$root$bin/postgres" ] && cmp -s "$bin/postgres" "$root$bin/postgres"; then
  exit 0
fi
rm -rf "$root"
mkdir -p "$root/bin" "$root/../data" "$root/../tmp"
for program in "$bin/postgres" "$bin/initdb" "$bin/pg_isready" /bin/sh; do
  # The program's own place, and the loader and libraries where it looks for them.
  for file in "$program" $(ldd "$program" | grep -o '/[^ ]*'); do
    cp -L --parents "$file" "$root"
  done
done
[ -e "$root/bin/sh" ] || cp -L /bin/sh "$root/bin/sh"
cp -L --parents "$home"/lib/plpgsql.so "$home"/lib/dict_snowball.so "$root"
cp -rL --parents "/usr/share/postgresql/${home##*/}" "$root"
mkdir -p "$root/etc" "$root/usr/share/zoneinfo"
echo "postgres:x:70:70::/data:/bin/sh" >"$root/etc/passwd"
echo "postgres:x:70:" >"$root/etc/group"
cat >"$root/start" <<END
#!/bin/sh
set -e
[ -e /data/PG_VERSION ] || $bin/initdb --pgdata=/data --auth=trust --no-locale --no-sync --username=postgres >/tmp/initdb.log || { echo "initdb failed" >&2; exit 1; }
echo "host all all all trust" >>/data/pg_hba.conf
exec $bin/postgres -D /data -c listen_addresses='*' -c unix_socket_directories=/tmp -c timezone=GMT -c log_timezone=GMT "\$@"
END
chmod 755 "$root/start"
# pg_isready at a place that does not name the version.
ln -sf "$bin/pg_isready" "$root/bin/pg_isready"
