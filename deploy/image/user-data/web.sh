#!/bin/bash
# User data of the web tier, for launching without the CloudFormation template (which has its own copy), with your names
# filled in. It makes one web node without a cluster, and a deployment must have no other beside it. For several, add the
# settings of image-classifier.web.cluster, and tag each machine image-classifier:web with the deployment's name.
set -euo pipefail
install -d -m 0755 /etc/image-classifier
cat > /etc/image-classifier/environment <<'SETTINGS'
IMAGE_CLASSIFIER__ENVIRONMENT=aws
IMAGE_CLASSIFIER__AWS__REGION=eu-central-1
IMAGE_CLASSIFIER__AWS__SQS__REQUESTS=image-classifier-requests.fifo
IMAGE_CLASSIFIER__AWS__SQS__RESPONSES=image-classifier-responses.fifo
IMAGE_CLASSIFIER__AWS__S3__BUCKET=my-image-classifier-bucket
IMAGE_CLASSIFIER__QUEUES__REQUESTS__LEASE=30s
IMAGE_CLASSIFIER__SCALING__MAX_INSTANCES=19
IMAGE_CLASSIFIER__FLEET__KIND=ec2
IMAGE_CLASSIFIER__FLEET__EC2__DEPLOYMENT=image-classifier
IMAGE_CLASSIFIER__FLEET__EC2__LAUNCH_TEMPLATE=image-classifier-node
IMAGE_CLASSIFIER__FLEET__EC2__INSTANCE_TYPES=c7i.large,c6i.large
IMAGE_CLASSIFIER__FLEET__EC2__SUBNETS=subnet-0123456789abcdef0
IMAGE_CLASSIFIER__FLEET__EC2__MARKET=spot
SETTINGS
# The log goes to this CloudWatch group, which must exist. Without this line it stays on the machine.
echo /image-classifier/image-classifier/web > /etc/image-classifier/log-group
systemctl enable --now --no-block image-classifier-web.service
