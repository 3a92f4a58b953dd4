"""Every case other than families × pooling × normalise: a name, a recipe for the folder (see variants.py) and how encode is called."""
import json
import tempfile
from pathlib import Path

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

from golden.families import HEADED, POOLING, modules, pooling_config


def pooling_cases(family: str) -> list[dict]:
    """Each mode alone and two side by side, in the long-standing keys, with and without a Normalize module."""
    combinations = [[mode] for mode in POOLING] + [['cls', 'max']]
    if family == 'bert':
        combinations.append(list(POOLING))
    cases = []
    for pooling in combinations:
        for normalize in (False, True):
            files = {'1_Pooling/config.json': pooling_config(family, pooling)}
            if normalize:
                files['modules.json'] = modules('transformer', 'pooling', 'normalize')
            name = ' + '.join(pooling) + (', normalized' if normalize else '')
            cases.append({'name': name, 'pooling': pooling, 'normalize': normalize, 'recipe': {'base': family, 'files': files}})
    return cases


def case(name: str, base='bert', overlays=(), tokenizer=None, files=None, method='encode', tokens=False, **options) -> dict:
    """`tokens`: the case changes how texts are tokenised, so its ids are recorded too."""
    changes = {'overlays': list(overlays), 'tokenizer': tokenizer, 'files': files}
    recipe = {'base': base, **{key: value for key, value in changes.items() if value}}
    return {'name': name, 'recipe': recipe, 'method': method, 'options': options, 'tokens': tokens}


def weight_cases() -> list[dict]:
    return [
        case('float16 file', overlays=['bert-float16']),
        case('bfloat16 file', overlays=['bert-bfloat16']),
        case('two shards and an index', overlays=['bert-shards'], files={'model.safetensors': None}),
        *(case(f'{family}: prefixed, with the tensors of its heads', family, [f'{family}-heads']) for family in HEADED),
    ]


def config_cases() -> list[dict]:
    acts = ['gelu_new', 'gelu_pytorch_tanh', 'relu', 'silu', 'tanh']
    return [
        *(case(f'hidden_act {act}', files={'config.json': {'hidden_act': act}}) for act in acts),
        case('distilbert: activation relu', 'distilbert', files={'config.json': {'activation': 'relu'}}),
        case('mpnet: hidden_act gelu_new', 'mpnet', files={'config.json': {'hidden_act': 'gelu_new'}}),
        case('layer_norm_eps that matters', files={'config.json': {'layer_norm_eps': 0.05}}),
        case('xlm-roberta: layer_norm_eps that matters', 'xlm-roberta', files={'config.json': {'layer_norm_eps': 0.05}}),
    ]


def dense_cases() -> list[dict]:
    def dense(name: str, *names: str, **config) -> dict:
        files = {'modules.json': modules('transformer', 'pooling', *names), **config}
        return case(name, overlays=['bert-dense'], files=files)

    def activation(value) -> dict:
        return {'2_Dense/config.json': {'activation_function': value}}

    kinds = ['ReLU', 'GELU', 'Sigmoid', 'SiLU']
    return [
        dense('Dense with Tanh and bias', 'dense'),
        dense('Dense, Dense without bias and Identity, Normalize', 'dense', 'dense2', 'normalize'),
        dense('Normalize before Dense', 'normalize', 'dense'),
        dense('Dense without activation_function: Tanh', 'dense', **activation(None)),
        *(dense(f'Dense with {kind}', 'dense', **activation(f'torch.nn.modules.activation.{kind}')) for kind in kinds),
    ]


def saved_by_this_version(base: Path, family: str, pooling, include_prompt: bool = True) -> dict:
    """The JSON files that the installed sentence-transformers itself writes for this pooling."""
    transformer = Transformer(str(base))
    model = SentenceTransformer(modules=[transformer, Pooling(transformer.get_embedding_dimension(), pooling, include_prompt)])
    with tempfile.TemporaryDirectory() as folder:
        model.save(folder, create_model_card=False)
        names = ['modules.json', 'sentence_bert_config.json', 'config_sentence_transformers.json', '1_Pooling/config.json']
        files = {name: json.loads((Path(folder) / name).read_text()) for name in names}
    files['1_Pooling/config.json'].update({key: None for key in pooling_config(family, [])})
    return files


def spelling_cases(models: Path) -> list[dict]:
    def saved(name: str, pooling, **options) -> dict:
        return case(f'as sentence-transformers saves now: {name}', files=saved_by_this_version(models / 'bert', 'bert', pooling), **options)

    return [
        saved('mean', 'mean'),
        saved('lasttoken', 'lasttoken'),
        saved('mean + cls in that order', ('mean', 'cls')),
        case(
            'as sentence-transformers saves now: weightedmean without the prompt',
            files=saved_by_this_version(models / 'bert', 'bert', 'weightedmean', False),
            prompt='query: ',
        ),
        case('no pooling mode switched on: mean', files={'1_Pooling/config.json': pooling_config('bert', [])}),
        case('only the four oldest pooling keys', files={'1_Pooling/config.json': {POOLING[mode]: None for mode in ('weightedmean', 'lasttoken')}}),
        case('plain transformers folder', files={'modules.json': None}, tokens=True),
        case('plain transformers folder, distilbert', 'distilbert', files={'modules.json': None}, tokens=True),
    ]


def length_cases() -> list[dict]:
    config = 'sentence_bert_config.json'
    return [
        case('max_seq_length 8', files={config: {'max_seq_length': 8}}, tokens=True),
        case('maxLength 10', tokens=True, maxLength=10),
        case('max_seq_length in an old file name', 'roberta', files={config: None, 'sentence_roberta_config.json': {'max_seq_length': 16}}, tokens=True),
        case('no max_seq_length: the positions are the limit', files={config: None}, tokens=True),
        *(case(f'{family}: do_lower_case', family, files={config: {'do_lower_case': True}}, tokens=True) for family in ('roberta', 'xlm-roberta')),
        *(case(f'{family}: old tokenizer files', family, tokenizer=f'{family}-old', tokens=True) for family in ('bert', 'roberta', 'mpnet')),
    ]  # fmt: skip


def prompt_cases() -> list[dict]:
    settings = 'config_sentence_transformers.json'
    default = {settings: {'default_prompt_name': 'query'}}

    def without_prompt(family: str, pooling: str) -> dict:
        return {'1_Pooling/config.json': {**pooling_config(family, [pooling]), 'include_prompt': False}}

    return [
        case('prompt', tokens=True, prompt='ask: '),
        case('promptName', tokens=True, promptName='document'),
        case('default prompt', files=default, tokens=True),
        case('default prompt, another named', files=default, promptName='document'),
        case('default prompt, an empty one given', files=default, prompt=''),
        case('encodeQuery', method='encodeQuery'),
        case('encodeDocument', method='encodeDocument'),
        # Every model has a query and a document prompt, empty where its files name none, and encodeQuery and encodeDocument use those.
        case('encodeDocument with a passage prompt', files={settings: {'prompts': {'passage': 'it says '}}}, method='encodeDocument'),
        case('encodeQuery with a default prompt of another name',
             files={settings: {'prompts': {'ask': 'ask: '}, 'default_prompt_name': 'ask'}}, method='encodeQuery'),
        case('encodeQuery without prompts', files={settings: {'prompts': {}}}, method='encodeQuery'),
        case('encodeQuery, prompt given', method='encodeQuery', prompt='why '),
        *(case(f'prompt not pooled: {mode}', files=without_prompt('bert', mode), prompt='query: ') for mode in POOLING),
        *(case(f'prompt not pooled: {mode}, {family}', family, files=without_prompt(family, mode), promptName='document')
          for family in ('roberta', 'mpnet') for mode in ('cls', 'mean')),
        case('prompt not pooled, none given', files=without_prompt('bert', 'mean')),
        case('prompt not pooled, longer than the limit', files=without_prompt('bert', 'mean'), prompt='a long prompt ' * 30),
    ]  # fmt: skip


def dimension_cases() -> list[dict]:
    normalized = {'modules.json': modules('transformer', 'pooling', 'normalize')}
    return [
        case('truncateDim', truncateDim=10),
        case('truncateDim after Normalize is not normalized again', files=normalized, truncateDim=10),
        case('truncateDim, then normalize', truncateDim=10, normalize=True),
        case('truncateDim after Normalize, then normalize', files=normalized, truncateDim=10, normalize=True),
        case('normalize: true without a Normalize module', normalize=True),
        case('truncate_dim of the model', files={'config_sentence_transformers.json': {'truncate_dim': 12}}),
    ]


def all_cases(models: Path) -> list[dict]:
    return [
        *weight_cases(), *config_cases(), *dense_cases(), *spelling_cases(models), *length_cases(), *prompt_cases(), *dimension_cases(),
    ]  # fmt: skip
