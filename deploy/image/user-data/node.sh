#!/bin/bash
# User data of an app node, for launching without the CloudFormation template (which has its own copy): put it into
# image-classifier.fleet.ec2.user-data or into a launch template, with your names filled in.
# Gives the image its role and its settings. Should this fail the machine must not live on.
set -euo pipefail
trap 'shutdown -h now' ERR
install -d -m 0755 /etc/image-classifier
cat > /etc/image-classifier/environment <<'SETTINGS'
IMAGE_CLASSIFIER__ENVIRONMENT=aws
IMAGE_CLASSIFIER__AWS__REGION=eu-central-1
IMAGE_CLASSIFIER__AWS__SQS__REQUESTS=image-classifier-requests.fifo
IMAGE_CLASSIFIER__AWS__SQS__RESPONSES=image-classifier-responses.fifo
IMAGE_CLASSIFIER__AWS__S3__BUCKET=my-image-classifier-bucket
IMAGE_CLASSIFIER__QUEUES__REQUESTS__LEASE=30s
SETTINGS
# The log goes to this CloudWatch group, which must exist. Without this line it stays on the machine.
echo /image-classifier/image-classifier/node > /etc/image-classifier/log-group
systemctl enable --now --no-block image-classifier-node.service
