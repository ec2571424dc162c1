#!/bin/sh
/bin/cat <<END
Dir "/";
Dir::Etc "etc/apt";
Dir::Etc::sourcelist "$FAKE_WORLD/sources.list";
Dir::Etc::sourceparts "$FAKE_WORLD/sources.list.d";
Acquire::http::Proxy "http://proxy.invalid:3128/";
END
