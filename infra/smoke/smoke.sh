#!/bin/sh
# Serves template.yaml by `sam local start-api`, each function in a container, against a DynamoDB Local with a demo tenant: `serve` until
# Ctrl-C, `check` for as long as it takes to be given a token and an answer to a search. make sam-local and make sam-smoke call it.
#
# Where the base image cannot be pulled, it is made of a Debian root file system (debootstrap, root) under the name that sam expects: a
# function is one static binary, which needs no more of it than a shell for sam to build with.
set -eu
mode=${1:?usage: smoke.sh serve|check}
cd "$(dirname "$0")/../.."
dir=$PWD/build/smoke
port=3000

if ! docker info >/dev/null 2>&1; then
	echo "make sam-$([ "$mode" = serve ] && echo local || echo smoke): no Docker engine answers here, so nothing was done"
	exit 0
fi

# Second part: within DynamoDB Local, which the first part starts.
if [ -n "${ROSTER_SMOKE_INSIDE:-}" ]; then
	table=${ROSTER_TEST_DYNAMODB_ENDPOINT:?}
	local= sam=
	trap 'for process in $local $sam; do kill "$process" 2>/dev/null || true; done; wait' EXIT
	trap 'exit 130' INT TERM
	# The developer server makes the table and the demo tenant, and its signing key is that of the containers.
	ROSTER_TABLE=smoke ROSTER_DYNAMODB_ENDPOINT=$table "$dir/local" -quiet -addr 127.0.0.1:0 -dir "$dir/data" -users 200 >"$dir/local.log" 2>&1 &
	local=$!
	tries=0
	until [ -s "$dir/data/demo.json" ]; do
		tries=$((tries + 1))
		if [ $tries -gt 120 ] || ! kill -0 "$local" 2>/dev/null; then cat "$dir/local.log"; exit 1; fi
		sleep 1
	done
	cp "$(ls "$dir"/data/*.pem)" "$dir/functions/tokens/key.pem"
	chmod a+r "$dir/functions/tokens/key.pem"
	# Variables of this shell would go before those of the template, so none is called as they are.
	endpoint=$(echo "$table" | sed 's/127\.0\.0\.1\|localhost/host.docker.internal/')
	# What only a deployment has, and what only this machine has.
	sed -e "s|Architectures: \[arm64\]|Architectures: [$arch]|" -e 's|CodeUri: build/|CodeUri: functions/|' \
		-e "s|^\( *\)ROSTER_TABLE: !Ref Table|\1ROSTER_TABLE: smoke\n\1ROSTER_DYNAMODB_ENDPOINT: $endpoint|" \
		-e 's|ROSTER_SIGNING_KEY: !GetAtt SigningKey.Arn|ROSTER_SIGNING_KEY_FILE: /var/task/key.pem|' \
		-e 's|FunctionArn: !Ref AuthorizerFunction.Alias|FunctionArn: !GetAtt AuthorizerFunction.Arn|' template.yaml >"$dir/template.yaml"
	mkdir -p "$dir/infra" && cp -R infra/watch "$dir/infra/"
	export SAM_CLI_TELEMETRY=0 PYTHONPATH="$SAM_HOME" AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=roster AWS_SECRET_ACCESS_KEY=local
	(cd "$dir" && python3 -m samcli build --template template.yaml --build-dir built)
	(cd "$dir" && exec python3 -m samcli local start-api --template built/template.yaml --port "$port" --skip-pull-image --warm-containers LAZY \
		--add-host host.docker.internal:host-gateway) >"$dir/sam.log" 2>&1 &
	sam=$!
	if [ "$mode" = serve ]; then
		echo "http://127.0.0.1:$port, until Ctrl-C; what to ask it with is in $dir/data/demo.json"
		wait "$sam"
		exit
	fi
	member() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -n 1; }
	id=$(member clientId <"$dir/data/demo.json") secret=$(member clientSecret <"$dir/data/demo.json")
	tries=0
	until token=$(curl -s --max-time 60 -u "$id:$secret" -d grant_type=client_credentials "http://127.0.0.1:$port/oauth2/token" | member access_token) && [ -n "$token" ]; do
		tries=$((tries + 1))
		if [ $tries -gt 30 ]; then tail -n 40 "$dir/sam.log"; echo "no token was given out"; exit 1; fi
		sleep 2
	done
	echo "a token of ${#token} characters"
	answer=$(curl -s --max-time 60 -H "Authorization: Bearer $token" "http://127.0.0.1:$port/api/v1/organization/search/users?query=a&size=2")
	case $answer in
	*'"id":'*) echo "a search: $(echo "$answer" | cut -c 1-160)..." ;;
	*) tail -n 40 "$dir/sam.log"; echo "the search answered: $answer"; exit 1 ;;
	esac
	exit 0
fi

case $(uname -m) in
x86_64) arch=x86_64 goarch=amd64 ;;
aarch64 | arm64) arch=arm64 goarch=arm64 ;;
*) echo "sam knows no architecture $(uname -m)"; exit 1 ;;
esac
image=public.ecr.aws/lambda/provided:al2023-$arch
if ! docker image inspect "$image" >/dev/null 2>&1 && ! timeout 60 docker pull -q "$image" >/dev/null 2>&1; then
	command -v debootstrap >/dev/null || { echo "$image cannot be pulled, and debootstrap is not installed to make it: install it, then try again"; exit 1; }
	echo "$image cannot be pulled: making it of a Debian root file system"
	root=$(mktemp -d)
	mirror=$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)*\([^ ]*\).*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
	debootstrap --variant=minbase stable "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 || { tail -n 5 "$root.log"; exit 1; }
	tar -C "$root" -c . | docker import - "$image" >/dev/null
	rm -rf "$root" "$root.log"
fi
rm -rf "$dir" && mkdir -p "$dir/functions"
go build -o "$dir/local" ./infra/local
for folder in functions/*/; do
	CGO_ENABLED=0 GOOS=linux GOARCH=$goarch go build -trimpath -tags=lambda.norpc -ldflags='-s -w' -o "$dir/$folder/bootstrap" "./$folder"
done
export arch ROSTER_SMOKE_INSIDE=1
exec go run ./infra/dynamolocal sh "$PWD/infra/smoke/smoke.sh" "$mode"
