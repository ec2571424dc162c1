#!/bin/sh
# A package of the test's world is a tar archive and nothing else.
echo dpkg-deb >>"$FAKE_WORLD/log"
if [ "$1" != --fsys-tarfile ]; then
  echo "dpkg-deb: error: unknown option $1" >&2
  exit 2
fi
if [ -e "$FAKE_WORLD/dpkg-deb-full" ]; then
  echo 'dpkg-deb: error: failed to write: No space left on device' >&2
  exit 2
fi
exec /bin/cat "$2"
