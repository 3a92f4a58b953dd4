"""Exports an encoder to ONNX in the layout that transformers.js reads. usage: export_onnx.py MODEL_DIR OUT_DIR      Needs the package onnx."""
import os
import shutil
import sys
import warnings

warnings.filterwarnings('ignore')
os.environ.update(HF_HUB_OFFLINE='1', TRANSFORMERS_VERBOSITY='error', TQDM_DISABLE='1')
import torch
from transformers import AutoModel, AutoTokenizer

source, out = sys.argv[1:3]
INPUTS = ['input_ids', 'attention_mask', 'token_type_ids']
OUTPUT = 'last_hidden_state'


class Hidden(torch.nn.Module):
    """The token states alone."""

    def __init__(self, encoder: torch.nn.Module):
        super().__init__()
        self.encoder = encoder

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.encoder(**dict(zip(INPUTS, inputs))).last_hidden_state


tokenizer = AutoTokenizer.from_pretrained(source)
# Plain attention: the exporter knows every operation of it.
encoder = AutoModel.from_pretrained(source, attn_implementation='eager').eval()
sample = tokenizer(['two texts', 'of different lengths, so that one is padded'], return_tensors='pt', padding=True)
os.makedirs(os.path.join(out, 'onnx'), exist_ok=True)
for name in ('config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'):
    if os.path.exists(os.path.join(source, name)):
        shutil.copy(os.path.join(source, name), out)

# Under its name only when it is whole.
part = os.path.join(out, 'onnx', 'model.onnx.part')
axes = {name: {0: 'batch', 1: 'sequence'} for name in (*INPUTS, OUTPUT)}
torch.onnx.export(
    Hidden(encoder), tuple(sample[name] for name in INPUTS), part, input_names=INPUTS, output_names=[OUTPUT], dynamic_axes=axes, opset_version=17, dynamo=False
)
os.replace(part, os.path.join(out, 'onnx', 'model.onnx'))
