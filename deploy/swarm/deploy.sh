#!/bin/sh
# Builds the stack and deploys or updates it on the Swarm that this node manages, then waits until it serves:
#   sh deploy/swarm/deploy.sh [STACK]     default: balance-board
# Exit status 0: the database, NGINX and all servers run this version. docs/swarm.md has more.
#   DATABASE_NODE  host name of the node that keeps the database; default: where it is, at the first deployment this node
#   REGISTRY       where all nodes find the images, as registry.example/team/; default: that of the servers that run, at the first
#                  deployment none, for a Swarm of one node
# and the settings in stack.yml.
set -eu
cd "$(dirname "$0")/../.."

refuse() {
    echo "balance-board: $*" >&2
    exit 1
}

STACK=${1:-balance-board}
case $STACK in
    *[!a-z0-9_-]* | [_-]* | *[_-]) refuse "the stack's name is part of the images' names: lower-case letters, digits, _ and -, and not: $STACK" ;;
esac
case ${HTTP_PORT:-80} in
    *[!0-9]* | 0* | ??????*) port= ;;
    *) port=${HTTP_PORT:-80} ;;
esac
[ "${port:-65536}" -le 65535 ] ||
    refuse "HTTP_PORT is a port, and not: $HTTP_PORT. Swarm publishes it on all addresses of the node"

# What the service NAME has now; nothing if the stack is not deployed. A failure to ask must not pass for that.
services=$(docker service ls --format '{{.Name}}')
current() {
    if echo "$services" | grep -qx "${STACK}_$1"; then docker service inspect --format "$2" "${STACK}_$1"; fi
}
here=$(docker node inspect --format '{{.Description.Hostname}}' self)
constraints=$(current mysql '{{join .Spec.TaskTemplate.Placement.Constraints "\n"}}')
node=$(echo "$constraints" | sed -n 's/^node\.hostname *== *//p')
DATABASE_NODE=${DATABASE_NODE:-${node:-$here}}
[ "$DATABASE_NODE" = "${node:-$DATABASE_NODE}" ] ||
    refuse "the database is on $node: on $DATABASE_NODE it would start empty. To move it, back it up and remove the stack first"
image=$(current web '{{.Spec.TaskTemplate.ContainerSpec.Image}}')
REGISTRY=${REGISTRY-$(echo "$image" | sed -n "s,$STACK-web:[^/]*\$,,p")}
export STACK DATABASE_NODE

# Builds NAME and sets `image`. The tag is part of the image's id: Swarm replaces only the services whose image has changed.
build() {
    name=$REGISTRY$STACK-$1
    shift
    id=$(DOCKER_BUILDKIT=1 BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build --quiet "$@")
    image=$name:$(echo "${id#sha256:}" | cut -c 1-12)
    docker tag "$id" "$image"
    [ -z "$REGISTRY" ] || docker push --quiet "$image"
}
build web --file web/Dockerfile --build-arg "IMAGE_REVISION=${IMAGE_REVISION:-}" .
export WEB_IMAGE="$image"
build nginx nginx
export NGINX_IMAGE="$image"

# Each password is made once and is nowhere else. `docker stack rm` removes the secrets: the label says that they are the stack's.
for name in owner-password replica-password root-password health-password admin-token; do
    docker secret inspect "${STACK}_$name" >/dev/null 2>&1 ||
        od -An -v -N24 -tx1 /dev/urandom | tr -d ' \n' |
        docker secret create --label "com.docker.stack.namespace=$STACK" "${STACK}_$name" - >/dev/null
done

# What `docker stack rm` has begun must end first: a network that is being removed has a name, and cannot be used. MySQL may take a
# minute to stop.
left() {
    [ -z "$(docker service ls --quiet --filter "label=com.docker.stack.namespace=$STACK")" ] &&
        [ -n "$(docker network ls --quiet --filter "label=com.docker.stack.namespace=$STACK")" ]
}
for _ in $(seq 90); do
    left || break
    sleep 1
done

CONFIGS=$(cat deploy/compose/start-mysql.sh deploy/swarm/accounts.sql | cksum | cut -d ' ' -f 1)
export CONFIGS
docker stack deploy --resolve-image never --with-registry-auth --compose-file deploy/swarm/stack.yml "$STACK"

# Looks at a service. `tasks`: how many run, of how many. `wrong`: that it does not run this version, `error`: why; empty if it does.
# Sets `moving` while that can still change.
look() {
    update=$(docker service inspect --format '{{with .UpdateStatus}}{{.State}}{{end}}' "${STACK}_$1")
    tasks=$(docker service ls --filter "name=${STACK}_$1" --format '{{.Name}} {{.Replicas}}' |
        sed -nE "s,^${STACK}_$1 ([0-9]+/[0-9]+).*,\1,p")
    error=
    case $tasks:$update in
        0/*) wrong="${update:-starting}, none runs" ;;
        "${tasks#*/}/${tasks#*/}:" | "${tasks#*/}/${tasks#*/}:completed") wrong= ;;
        *) wrong="${update:-starting}, $tasks run" ;;
    esac
    # Of the newest task that has failed, for example that the port is taken, without the ids of its parts. An update ends by itself.
    [ -z "$wrong" ] || [ -n "$update" ] ||
        error=$(docker service ps --no-trunc --format '{{.Error}}' "${STACK}_$1" |
            sed -n '/./{s/.*([0-9a-f]*): //;s/"//g;p;q;}')
    case $wrong in
        '' | *paused* | rollback_completed*) ;;
        *) moving=yes ;;
    esac
}

# Swarm decides within a second whether it has something to replace. So the result counts once it has been the same for five.
settled=0
said=
for _ in $(seq 400); do
    moving=
    failed=
    for service in mysql nginx; do
        look $service
        failed="$failed${wrong:+, $service: $wrong}${error:+: $error}"
    done
    look web
    now="$tasks servers run${update:+, update: $update}${error:+: $error}$failed"
    [ "$said" = "$now" ] || echo "$STACK: $now"
    said=$now
    if [ -z "$moving" ]; then settled=$((settled + 1)); else settled=0; fi
    [ "$settled" -lt 5 ] || break
    sleep 1
done
if [ -z "$wrong$failed" ]; then
    echo "$STACK: $tasks servers run $WEB_IMAGE"
    exit
fi
result="$tasks servers run $WEB_IMAGE"
[ -z "$wrong" ] || result="not all servers run $WEB_IMAGE ($wrong)"
echo "$STACK: $result$failed. What Swarm says of its tasks:" >&2
docker stack ps --no-trunc --format '{{.Name}} {{.Image}} {{.CurrentState}} {{.Error}}' "$STACK" >&2
exit 1
