"""Logs as people have them: many formats, each with the values that a reader sees."""

import json

import numpy as np
import pandas as pd
import pytest

from skloss.exceptions import RecordFormatError
from skloss.record import parse_keras_log, read_curves

nan = np.nan


def curves_of(tmp_path, text, name="log.txt", run=None, encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return read_curves(path, run)


def same(curves, expected):
    assert set(curves) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(curves[name], values, rtol=1e-12, err_msg=name)


PRINTED = {
    "time stamps": (
        "2024-05-01T10:00:01.1Z Epoch 1/2\n"
        "2024-05-01T10:00:01.2Z  5/10 [==>...] - ETA: 1s - loss: 9 - acc: 0.1\n"
        "2024-05-01T10:00:01.3Z 10/10 [=====] - 1s 3ms/step - loss: 0.7 - acc: 0.5\n"
        "2024-05-01T10:00:02.1Z Epoch 2/2\n"
        "2024-05-01T10:00:02.3Z 10/10 [=====] - 1s 3ms/step - loss: 0.6 - acc: 0.6\n",
        {"loss": [0.7, 0.6], "accuracy": [0.5, 0.6]},
    ),
    "the name of a container": (
        "trainer_1  | Epoch 1/2\ntrainer_1  | 9/9 [==] - 1s - loss: 0.7\n"
        "trainer_1  | Epoch 2/2\ntrainer_1  | 9/9 [==] - 1s - loss: 0.6\n",
        {"loss": [0.7, 0.6]},
    ),
    "wrapped lines": (
        "Epoch 1/2\n9/9 [==] - 1s 1s/step - loss: 0.7 - accuracy: 0.5 -\n"
        "val_loss: 0.8 - val_accuracy: 0.4\n"
        "Epoch 2/2\n9/9 [==] - 1s 1s/step - loss: 0.6\n- accuracy: 0.6 - val_loss:\n"
        "0.7 - val_accuracy: 0.5\n",
        {
            "loss": [0.7, 0.6],
            "accuracy": [0.5, 0.6],
            "val_loss": [0.8, 0.7],
            "val_accuracy": [0.4, 0.5],
        },
    ),
    "R Markdown": (
        "## Epoch 1/2\n## 9/9 - 5s - 4ms/step - loss: 0.7 - val_loss: 0.8\n"
        "## Epoch 2/2\n## 9/9 - 0s - 4ms/step - loss: 0.6 - val_loss: 0.7\n",
        {"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]},
    ),
    "an evaluation after the last epoch": (
        "Epoch 1/2\n9/9 [==] - 1s - loss: 0.7 - acc: 0.5\n"
        "Epoch 2/2\n9/9 [==] - 1s - loss: 0.6 - acc: 0.6\n"
        "4/4 [==] - 0s - loss: 0.95 - acc: 0.4\n",
        {"loss": [0.7, 0.6], "accuracy": [0.5, 0.6]},
    ),
    "an evaluation of as many steps": (
        "Epoch 1/2\n9/9 [==] - 1s - loss: 0.7\n9/9 [==] - 0s - loss: 0.65\n"
        "Epoch 2/2\n9/9 [==] - 1s - loss: 0.6\n9/9 [==] - 0s - loss: 0.55\n",
        {"loss": [0.7, 0.6]},
    ),
    "a bar that Keras 3 draws twice": (
        "Epoch 1/2\n9/9 ━━ 0s 3ms/step - loss: 0.75\nEpoch 1: saving\n"
        "9/9 ━━━━ 4s 9ms/step - loss: 0.7 - val_loss: 0.8\n"
        "Epoch 2/2\n9/9 ━━━━ 0s 3ms/step - loss: 0.65\nEpoch 2: saving\n"
        "9/9 ━━━━ 4s 9ms/step - loss: 0.6 - val_loss: 0.7\n1/1 ━━━━ 0s 8ms/step\n",
        {"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]},
    ),
    "bars run together": (
        "Epoch 1/1\n 1/9 ━━ 4s 2ms/step - loss: 9.0 - prec  5/9 ━━ 4s 2ms/step - "
        "loss: 8.0           9/9 ━━ 5s 2ms/step - loss: 0.7 - val_loss: 0.8\n",
        {"loss": [0.7], "val_loss": [0.8]},
    ),
    "fit in a loop": (
        "Epoch 1/1\n9/9 [==] - 1s - loss: 0.7\nEpoch 1/1\n9/9 [==] - 1s - loss: 0.6\n"
        "Epoch 1/1\n9/9 [==] - 1s - loss: 0.5\n",
        {"loss": [0.7, 0.6, 0.5]},
    ),
    "steps that are not known": (
        "Epoch 1/2\n1/Unknown - 1s - loss: 9.0\n30/Unknown - 5s - loss: 0.7 - "
        "acc: 0.5\n"
        "Epoch 2/2\n30/30 [==] - 4s - loss: 0.6 - acc: 0.6\n",
        {"loss": [0.7, 0.6], "accuracy": [0.5, 0.6]},
    ),
    "a dict of settings before the log": (
        "config: {'units': [64, 32]}\nEpoch 1/2\n9/9 [==] - 1s - loss: 0.7\n"
        "Epoch 2/2\n9/9 [==] - 1s - loss: 0.6\n",
        {"loss": [0.7, 0.6]},
    ),
    "settings in the dict of the history": (
        "{'units': [64, 32, 16], 'loss': [0.7, 0.6], 'val_loss': [0.8, 0.7]}",
        {"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]},
    ),
    "dicts of Hugging Face": (
        "{'loss': 0.8, 'learning_rate': 1e-05, 'epoch': 0.5}\n"
        "{'loss': 0.6, 'learning_rate': 9e-06, 'epoch': 1.0}\n"
        "{'eval_loss': 0.66, 'eval_accuracy': 0.6, 'eval_runtime': 1.5, 'epoch': 1.0}\n"
        "{'loss': 0.5, 'learning_rate': 5e-06, 'epoch': 2.0}\n"
        "{'eval_loss': 0.55, 'eval_accuracy': 0.7, 'eval_runtime': 1.5, 'epoch': 2.0}\n"
        "{'train_runtime': 99.0, 'train_loss': 0.6, 'epoch': 2.0}\n",
        {
            "loss": [0.7, 0.5],
            "learning_rate": [9e-6, 5e-6],
            "val_loss": [0.66, 0.55],
            "val_accuracy": [0.6, 0.7],
        },
    ),
    "dicts of Hugging Face that hold text": (
        "{'loss': '0.8', 'grad_norm': '1.1', 'epoch': '1'}\n"
        "{'loss': '0.6', 'grad_norm': '1.2', 'epoch': '2'}\n",
        {"loss": [0.8, 0.6]},
    ),
    "lines of JSON": (
        '{"epoch": 1, "loss": 0.7, "val_loss": 0.8}\n'
        '{"epoch": 2, "loss": 0.6, "val_loss": 0.7}\n',
        {"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]},
    ),
    "the table of skorch": (
        "  epoch    train_loss    valid_acc    valid_loss    cp     dur\n"
        "-------  ------------  -----------  ------------  ----  ------\n"
        "      1        \x1b[36m0.8387\x1b[0m       0.8800        0.4174     +  "
        "3.8169\n"
        "      2        0.4332       0.9103        0.5133        0.8510\n",
        {
            "loss": [0.8387, 0.4332],
            "val_accuracy": [0.88, 0.9103],
            "val_loss": [0.4174, 0.5133],
        },
    ),
    "the table of fastai": (
        "epoch     train_loss  valid_loss  accuracy  time    \n"
        "0         0.8         0.7         0.5       00:02   \n"
        "1         0.6         0.65        0.6       00:02   \n",
        {"loss": [0.8, 0.6], "val_loss": [0.7, 0.65], "accuracy": [0.5, 0.6]},
    ),
    "a table of Markdown": (
        "| Training Loss | Epoch | Step | Validation Loss | F1  |\n"
        "|:-------------:|:-----:|:----:|:---------------:|:---:|\n"
        "| No log        | 1.0   | 3    | 0.75            | 0.0 |\n"
        "| 0.7           | 2.0   | 6    | 0.65            | 50% |\n",
        {"loss": [nan, 0.7], "val_loss": [0.75, 0.65], "f1": [0.0, 0.5]},
    ),
    "a loop of PyTorch": (
        "2025-04-24 21:16:20,207 - INFO - Class weights: [1.02, 9.4]\n"
        "2025-04-24 21:17:53,828 - INFO - Epoch [1/2], Train Loss: 0.9, Train Acc: "
        "20.5%, Val Loss: 0.95, Val Acc: 47.7%\n"
        "2025-04-24 21:17:53,828 - INFO - Saved best model, val loss: 0.1\n"
        "2025-04-24 21:19:45,876 - INFO - Epoch [2/2], Train Loss: 0.8, Train Acc: "
        "30.5%, Val Loss: 0.85, Val Acc: 50%\n",
        {
            "loss": [0.9, 0.8],
            "accuracy": [0.205, 0.305],
            "val_loss": [0.95, 0.85],
            "val_accuracy": [0.477, 0.5],
        },
    ),
    "sides on lines of their own": (
        "Epoch 0/1\n----------\ntrain Loss: 0.7 Acc: 0.6\nval Loss: 0.5 Acc: 0.8\n\n"
        "Epoch 1/1\n----------\ntrain Loss: 0.4 Acc: 0.7\nval Loss: 0.3 Acc: 0.9\n\n"
        "Training complete in 1m 20s\nBest val Acc: 0.95\n",
        {
            "loss": [0.7, 0.4],
            "accuracy": [0.6, 0.7],
            "val_loss": [0.5, 0.3],
            "val_accuracy": [0.8, 0.9],
        },
    ),
    "batches, and a test below its name": (
        "Epoch 1\n-----------\nloss: 2.0  [   64/60000]\nloss: 1.0  [ 6464/60000]\n"
        "Test Error: \n Accuracy: 50.0%, Avg loss: 0.9 \n\n"
        "Epoch 2\n-----------\nloss: 0.8  [   64/60000]\nloss: 0.6  [ 6464/60000]\n"
        "Test Error: \n Accuracy: 60.0%, Avg loss: 0.7 \n\nDone!\n",
        {"loss": [1.5, 0.7], "val_accuracy": [0.5, 0.6], "val_loss": [0.9, 0.7]},
    ),
    "counts of right rows": (
        "Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.0\n"
        "Train Epoch: 1 [640/60000 (1%)]\tLoss: 1.0\n\n"
        "Test set: Average loss: 0.5, Accuracy: 9000/10000 (90%)\n\n"
        "Train Epoch: 2 [0/60000 (0%)]\tLoss: 0.9\n"
        "Train Epoch: 2 [640/60000 (1%)]\tLoss: 0.7\n\n"
        "Test set: Average loss: 0.4, Accuracy: 9500/10000 (95%)\n\n",
        {"loss": [1.5, 0.8], "val_loss": [0.5, 0.4], "val_accuracy": [0.9, 0.95]},
    ),
    "equal signs, and results at the end": (
        "  Epoch 2/4: Loss = 0.66, Acc = 0.7, LR = 0.001\n"
        "  Epoch 4/4: Loss = 0.57, Acc = 0.8, LR = 0.001\nResults:\n"
        "   - Accuracy: 0.998\n   - ROC-AUC: 0.114\n",
        {"loss": [0.66, 0.57], "accuracy": [0.7, 0.8], "learning_rate": [1e-3, 1e-3]},
    ),
    "bars and no signs": (
        "epoch 1 | train loss 0.7 | valid loss 0.8\n"
        "epoch 2 | train loss 0.6 | valid loss 0.7\n",
        {"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]},
    ),
    "decimal commas": (
        "Epoch 1: loss 0,75; val_acc 0,5\nEpoch 2: loss 0,5; val_acc 0,625\n",
        {"loss": [0.75, 0.5], "val_accuracy": [0.5, 0.625]},
    ),
    "a progress bar of Lightning": (
        "Epoch 0: 100%|███| 9/9 [00:01<00:00, 9.1it/s, loss=0.7, v_num=3, "
        "val_loss=0.8]\r"
        "Epoch 1: 100%|███| 9/9 [00:01<00:00, 9.1it/s, loss=0.6, v_num=3, "
        "val_loss=0.7]\n",
        {"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]},
    ),
    "dots behind values": (
        "Epoch: 1/2..  Training Loss: 0.283..  Test Loss: 0.4..  Test Accuracy: 0.8\n"
        "Epoch: 2/2..  Training Loss: 0.2..  Test Loss: .3..  Test Accuracy: .9\n",
        {"loss": [0.283, 0.2], "val_loss": [0.4, 0.3], "val_accuracy": [0.8, 0.9]},
    ),
    "the loss of both sides in a line": (
        "EPOCH 1:\n  batch 1000 loss: 1.7\n  batch 2000 loss: 0.9\n"
        "LOSS train 0.43 valid 0.40\n"
        "EPOCH 2:\n  batch 1000 loss: 0.7\nLOSS train 0.33 valid 0.30\n",
        {"loss": [0.43, 0.33], "val_loss": [0.4, 0.3]},
    ),
    "batches between bars": (
        "| epoch   1 |   200/ 2983 batches | lr 5.0 | ms/batch 31 | loss  8.0 | ppl 9\n"
        "| epoch   1 |   400/ 2983 batches | lr 5.0 | ms/batch 31 | loss  6.0 | ppl 9\n"
        "| end of epoch   1 | time: 96s | valid loss  5.75 | valid ppl 327\n"
        "| epoch   2 |   200/ 2983 batches | lr 4.0 | ms/batch 31 | loss  5.0 | ppl 9\n"
        "| end of epoch   2 | time: 96s | valid loss  5.25 | valid ppl 327\n",
        {"loss": [7.0, 5.0], "val_loss": [5.75, 5.25], "learning_rate": [5.0, 4.0]},
    ),
    "the best so far at the end of a line": (
        "[1/2] loss: 0.5, val loss: 0.4, val acc: 0.8, best acc: 0.9\n"
        "[2/2] loss: 0.4, val loss: 0.3, val acc: 0.7, best acc: 0.9\n",
        {"loss": [0.5, 0.4], "val_loss": [0.4, 0.3], "val_accuracy": [0.8, 0.7]},
    ),
    "losses of steps and of evaluations": (
        "step 0: train loss 4.2, val loss 4.3\niter 0: loss 4.25, time 9ms, mfu 1%\n"
        "step 250: train loss 2.0, val loss 2.1\niter 250: loss 2.05, time 9ms\n",
        {"loss": [4.2, 2.0], "val_loss": [4.3, 2.1]},
    ),
    "loggers of many kinds": (
        "[2024-01-01 10:00:00,000][root][INFO] - Epoch 1: loss 0.8\n"
        "2024-01-01 10:00:00.000 | INFO     | __main__:train:12 - Epoch 2: loss 0.7\n"
        "I0501 10:00:01.123456 12345 train.py:55] Epoch 3: loss 0.6\n"
        "01/05/2024 10:00:00 - INFO - __main__ -   Epoch 4: loss 0.5\n"
        "INFO:root:Epoch 5 - loss 0.4\n[10:00:01] Epoch 6: loss 0.3\n",
        {"loss": [0.8, 0.7, 0.6, 0.5, 0.4, 0.3]},
    ),
    "lists of one's own": (
        "train_losses = [0.7, 0.6]\nval_losses = [tensor(0.8), tensor(0.7, device=0)]",
        {"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]},
    ),
    "iterations of scikit-learn": (
        "Iteration 1, loss = 0.7\nIteration 2, loss = 0.6\nIteration 3, loss = 0.5\n",
        {"loss": [0.7, 0.6, 0.5]},
    ),
}


@pytest.mark.parametrize(("text", "expected"), PRINTED.values(), ids=PRINTED)
def test_what_programs_and_people_print(tmp_path, text, expected):
    same(curves_of(tmp_path, text)[0], expected)
    same(read_curves(parse_keras_log(text))[0], expected)


TABLES = {
    "Lightning, one row for each side": (
        "epoch,step,train_loss,val_acc,val_loss\n0,49,0.60,,\n0,99,,0.80,0.50\n"
        "1,149,0.40,,\n1,199,,0.85,0.42\n",
        {"loss": [0.6, 0.4], "val_accuracy": [0.8, 0.85], "val_loss": [0.5, 0.42]},
    ),
    "Lightning, several rows for training": (
        "epoch,lr-Adam,step,test_loss,train_loss_epoch,train_loss_step,val_loss\n"
        ",0.001,0,,,,\n0,,49,,,0.8,\n0,,99,,,0.6,\n0,,99,,,,0.5\n0,,99,,0.75,,\n"
        "1,,149,,,0.5,\n1,,199,,,,0.4\n1,,199,,0.55,,\n2,,200,0.41,,,\n",
        {"loss": [0.75, 0.55], "val_loss": [0.5, 0.4]},
    ),
    "Lightning, means of the steps": (
        "epoch,step,train_loss,val_loss\n0,49,0.8,\n0,99,0.6,\n0,99,,0.5\n"
        "1,149,0.5,\n1,199,0.3,\n1,199,,0.4\n",
        {"loss": [0.7, 0.4], "val_loss": [0.5, 0.4]},
    ),
    "Lightning, stopped within an epoch": (
        "epoch,step,train_loss,val_loss\n0,49,0.8,\n0,99,,0.5\n1,149,0.5,\n1,199,,0.4\n"
        "2,249,0.4,\n",
        {"loss": [0.8, 0.5], "val_loss": [0.5, 0.4]},
    ),
    "Ultralytics, classification": (
        "epoch,time,train/loss,metrics/accuracy_top1,metrics/accuracy_top5,val/loss,"
        "lr/pg0\n1,3.1,0.9,0.5,0.9,0.8,0.01\n2,6.1,0.7,0.6,0.95,0.75,0.01\n",
        {"loss": [0.9, 0.7], "val_accuracy": [0.5, 0.6], "val_loss": [0.8, 0.75]},
    ),
    "Ultralytics, detection": (
        "                  epoch,         train/box_loss,         train/cls_loss,"
        "   metrics/recall(B),           val/box_loss,           val/cls_loss\n"
        "                      1,  1.0,   0.5,   0.25,   1.25,  0.5\n"
        "                      2,  0.75,  0.5,   0.5,    1.25,  0.25\n",
        {"loss": [1.5, 1.25], "val_recall": [0.25, 0.5], "val_loss": [1.75, 1.5]},
    ),
    "an export of W&B": (
        '"Step","calm-1 - val_loss","calm-1 - val_loss__MIN","calm-1 - val_loss__MAX",'
        '"calm-1 - loss"\n"0","0.7","0.7","0.7","0.6"\n"1","0.6","0.6","0.6","0.5"\n',
        {"val_loss": [0.7, 0.6], "loss": [0.6, 0.5]},
    ),
    "a data frame of R": (
        '"","epoch","value","metric","data"\n"1",1,0.7,"loss","training"\n'
        '"2",2,0.6,"loss","training"\n"3",1,0.8,"loss","validation"\n'
        '"4",2,0.75,"loss","validation"\n',
        {"loss": [0.7, 0.6], "val_loss": [0.8, 0.75]},
    ),
    "decimal commas": (
        "epoch;loss;val_acc\n0;0,75;0,5\n1;0,5;0,625\n",
        {"loss": [0.75, 0.5], "val_accuracy": [0.5, 0.625]},
    ),
    "per cent": (
        "epoch,loss,acc,val_acc\n1,0.7,50.5%,40%\n2,0.6,60.5%,45%\n",
        {"loss": [0.7, 0.6], "accuracy": [0.505, 0.605], "val_accuracy": [0.4, 0.45]},
    ),
    "a remark before the head": (
        "# trained on Monday\nepoch,loss\n0,0.7\n1,0.6\n",
        {"loss": [0.7, 0.6]},
    ),
    "line ends of Windows, doubled": (
        "epoch,loss\r\r\n0,0.7\r\r\n1,0.6\r\r\n",
        {"loss": [0.7, 0.6]},
    ),
    "a resumed training": (
        "epoch,loss\n0,0.7\n1,0.6\n2,0.55\n2,0.5\n",
        {"loss": [0.7, 0.6, 0.5]},
    ),
    "a training resumed at a saved epoch": (
        "epoch,loss\n0,0.7\n1,0.6\n2,0.55\n1,0.5\n2,0.4\n",
        {"loss": [0.7, 0.5, 0.4]},
    ),
}


@pytest.mark.parametrize(("text", "expected"), TABLES.values(), ids=TABLES)
def test_tables_of_values(tmp_path, text, expected):
    same(curves_of(tmp_path, text, "metrics.csv")[0], expected)


def test_a_loss_that_is_nan_stays_nan_in_sparse_rows(tmp_path):
    text = "epoch,step,loss,val_loss\n0,1,0.7,\n0,2,,0.8\n1,3,nan,\n1,4,,nan\n"
    same(
        curves_of(tmp_path, text, "metrics.csv")[0],
        {"loss": [0.7, nan], "val_loss": [0.8, nan]},
    )


FRAME = pd.DataFrame({"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]})
ROWS = [{"epoch": 1, "loss": 0.7, "val_loss": 0.8}]
ROWS += [{"epoch": 2, "loss": 0.6, "val_loss": 0.7}]
DOCUMENTS = {
    "columns": FRAME.to_json(),
    "index": FRAME.to_json(orient="index"),
    "split": FRAME.to_json(orient="split"),
    "records": FRAME.to_json(orient="records"),
    "lines": FRAME.to_json(orient="records", lines=True),
    "rows with an epoch": json.dumps(ROWS),
    "rows of skorch": json.dumps([row | {"batches": [{"loss": 9}]} for row in ROWS]),
    "log_history": json.dumps(
        {
            "best_metric": None,
            "log_history": [
                {"epoch": 0.5, "loss": 0.8, "step": 10},
                {"epoch": 1.0, "loss": 0.6, "step": 20},
                {"epoch": 1.0, "eval_loss": 0.8, "step": 20},
                {"epoch": 2.0, "loss": 0.6, "step": 40},
                {"epoch": 2.0, "eval_loss": 0.7, "step": 40},
                {"epoch": 2.0, "train_runtime": 9.0, "step": 40},
            ],
        }
    ),
    "R": json.dumps({"params": {"epochs": 2}, "metrics": FRAME.to_dict("list")}),
    "by side": json.dumps({"train": {"loss": [0.7, 0.6]}, "val": {"loss": [0.8, 0.7]}}),
    "rows by side": json.dumps(
        [
            {"epoch": 1, "train": {"loss": 0.7}, "val": {"loss": 0.8}},
            {"epoch": 2, "train": {"loss": 0.6}, "val": {"loss": 0.7}},
        ]
    ),
    "settings beside the lists": json.dumps(
        {"classes": ["a", "b", "c"], "img_size": 96, **FRAME.to_dict("list")}
    ),
}


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
@pytest.mark.parametrize("name", ["history.json", "history.txt"])
def test_documents_of_json(tmp_path, text, name):
    curves, _ = curves_of(tmp_path, text, name)
    np.testing.assert_allclose(curves["loss"], [0.7, 0.6])
    np.testing.assert_allclose(curves["val_loss"], [0.8, 0.7])


def notebook(*outputs):
    cell = {"cell_type": "code", "source": ["model.fit()"], "outputs": list(outputs)}
    return json.dumps({"cells": [{"cell_type": "markdown"}, cell], "nbformat": 4})


def stream(*lines):
    return {"output_type": "stream", "name": "stdout", "text": list(lines)}


@pytest.mark.parametrize("epoch", [np.nan, np.inf, None, "one"])
def test_a_row_whose_epoch_has_no_number_is_read_all_the_same(tmp_path, epoch):
    rows = [{"epoch": epoch, "loss": 0.7}, {"epoch": 1, "loss": 0.6}]
    curves, _ = curves_of(tmp_path, json.dumps(rows), "a.json")
    same(curves, {"loss": [0.7, 0.6]})
    assert read_curves(pd.DataFrame(rows))[0]["loss"][-1] == 0.6


def test_the_outputs_of_a_notebook(tmp_path):
    text = notebook(
        stream("Epoch 1/2\n", "9/9 - 1s - loss: 0.7 - val_loss: 0.8\n"),
        stream("Epoch 2/2\n", "9/9 - 1s - loss: 0.6 - val_loss: 0.7\n"),
        {"output_type": "execute_result", "data": {"text/plain": ["<History>"]}},
    )
    same(
        curves_of(tmp_path, text, "train.ipynb")[0],
        {"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]},
    )


def test_a_table_in_a_notebook(tmp_path):
    table = (
        '<table border="1">\n<thead>\n<tr style="left">\n<th>epoch</th>\n'
        "<th>train_loss</th>\n<th>valid_loss</th>\n<th>time</th>\n</tr>\n</thead>\n"
        "<tbody>\n<tr>\n<td>0</td>\n<td>0.7</td>\n<td>0.8</td>\n<td>00:02</td>\n</tr>\n"
        "<tr><td>1</td><td>0.6</td><td>0.7</td><td>00:02</td></tr></tbody></table>"
    )
    data = {"text/html": table, "text/plain": ["<IPython.core.display.HTML object>"]}
    text = notebook({"output_type": "display_data", "data": data})
    same(
        curves_of(tmp_path, text, "train.ipynb")[0],
        {"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]},
    )


def test_a_notebook_without_a_training_is_refused(tmp_path):
    with pytest.raises(RecordFormatError, match="show no training"):
        curves_of(tmp_path, notebook(stream("hello\n")), "train.ipynb")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_encodings_of_text(tmp_path, encoding):
    text = "Größe: 3\nEpoch 1/2\n9/9 - 1s - loss: 0.7\nEpoch 2/2\n9/9 - 1s - loss: 0.6"
    curves, _ = curves_of(tmp_path, text, encoding=encoding)
    same(curves, {"loss": [0.7, 0.6]})


def fits(*losses):
    return "".join(
        f"Epoch {at}/{len(fit)}\n9/9 [==] - 1s - loss: {value}\n"
        for fit in losses
        for at, value in enumerate(fit, 1)
    )


FIRST, SECOND = [0.7, 0.5, 0.4, 0.3, 0.2], [0.9, 0.8, 0.7, 0.6, 0.5]


@pytest.mark.parametrize(
    ("losses", "run", "number", "expected"),
    [
        ([FIRST, SECOND], None, 2, SECOND),
        ([FIRST, SECOND], 1, 1, FIRST),
        ([FIRST, SECOND, [0.8, 0.7]], None, 2, SECOND),
        ([FIRST, SECOND, [0.8, 0.7]], 3, 3, [0.8, 0.7]),
        ([[0.8, 0.7], [0.6, 0.5]], None, 2, [0.6, 0.5]),
    ],
)
@pytest.mark.parametrize("form", ["printed", "csv", "frame"])
def test_one_of_several_trainings_is_read(
    tmp_path, losses, run, number, expected, form
):
    rows = [(at, value) for fit in losses for at, value in enumerate(fit)]
    frame = pd.DataFrame(rows, columns=["epoch", "loss"])
    if form == "frame":
        curves, notes = read_curves(frame, run)
    elif form == "csv":
        curves, notes = curves_of(tmp_path, frame.to_csv(index=False), "a.csv", run)
    else:
        curves, notes = curves_of(tmp_path, fits(*losses), run=run)
    same(curves, {"loss": expected})
    (note,) = notes
    assert f"there are {len(losses)} trainings in it; number {number}, of" in note


def test_cells_of_a_notebook_are_trainings_of_their_own(tmp_path):
    text = json.loads(notebook(stream(fits(FIRST))))
    text["cells"] += json.loads(notebook(stream(fits(SECOND))))["cells"]
    same(curves_of(tmp_path, json.dumps(text), "a.ipynb", 1)[0], {"loss": FIRST})
    same(curves_of(tmp_path, json.dumps(text), "a.ipynb", 2)[0], {"loss": SECOND})


def test_folds_are_trainings_of_their_own(tmp_path):
    text = json.dumps({"fold_1": {"loss": FIRST}, "fold_2": {"loss": SECOND}})
    same(curves_of(tmp_path, text, "a.json", 1)[0], {"loss": FIRST})
    same(curves_of(tmp_path, text, "a.json")[0], {"loss": SECOND})


@pytest.mark.parametrize("run", [0, -1, 3])
def test_a_training_that_is_not_there_is_refused(tmp_path, run):
    with pytest.raises(RecordFormatError, match=f"run={run} .* 2 trainings"):
        curves_of(tmp_path, fits(FIRST, SECOND), run=run)
    with pytest.raises(RecordFormatError, match=f"run={run} .* is 1 training"):
        read_curves({"loss": FIRST}, run)


def test_a_curve_of_test_rows_is_not_one_of_validation_rows():
    curves, notes = read_curves({"test_loss": [9.0], "val_loss": [0.5], "loss": [0.4]})
    same(curves, {"val_loss": [0.5], "loss": [0.4]})
    assert notes == ("'test_loss' was left out: it is not of validation rows",)
    assert list(read_curves({"test_loss": [0.5]})[0]) == ["val_loss"]


def test_percentages_become_shares():
    curves, notes = read_curves({"acc": [47.5, 93.5], "val_acc": [5.0, 8.0]})
    same(curves, {"accuracy": [0.475, 0.935], "val_accuracy": [0.05, 0.08]})
    assert notes == (
        "'acc' was read as percentages",
        "'val_acc' was read as percentages",
    )


@pytest.mark.parametrize("values", [[0.5, 1.2], [0.5, 1.0], [-20.0, 50.0], [50, 130.0]])
def test_other_values_stay_as_they_are(values):
    curves, notes = read_curves({"f1": values})
    same(curves, {"f1": values})
    assert notes == ()


ONE_CURVE = "Wall time,Step,Value\n1700372830.8,0,0.7\n1700372831.8,1,0.6\n"


@pytest.mark.parametrize(
    ("name", "curve"),
    [
        ("run-train-tag-epoch_loss.csv", "loss"),
        ("run-logs_validation-tag-epoch_loss.csv", "val_loss"),
        ("run-2-tag-epoch_accuracy.csv", "accuracy"),
    ],
)
def test_tensorboard_names_the_file_by_the_curve(tmp_path, name, curve):
    same(curves_of(tmp_path, ONE_CURVE, name)[0], {curve: [0.7, 0.6]})


def test_a_curve_without_a_name_is_refused(tmp_path):
    with pytest.raises(RecordFormatError, match="one curve that TensorBoard exported"):
        curves_of(tmp_path, ONE_CURVE, "a.csv")


def mlflow_run(folder, **curves):
    for name, values in curves.items():
        path = folder / "metrics" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (f"{1000 + at} {value} {at}\n" for at, value in enumerate(values))
        path.write_text("".join(lines))
    return folder


def test_a_folder_of_mlflow(tmp_path):
    run = mlflow_run(
        tmp_path / "mlruns" / "0" / "a1b2",
        loss=[0.7, 0.6],
        val_loss=[0.8, 0.7],
        final_accuracy=[0.9],
    )
    (run / "meta.yaml").write_text("name: calm\n")
    for path in (tmp_path / "mlruns", run, run / "metrics"):
        same(read_curves(path)[0], {"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]})


def test_names_of_mlflow_may_have_folders(tmp_path):
    run = mlflow_run(tmp_path / "r", train__loss=[0.7, 0.6], val__loss=[0.8, 0.7])
    same(read_curves(run)[0], {"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]})


def test_runs_of_mlflow_are_read_in_the_order_of_their_start(tmp_path):
    late = mlflow_run(tmp_path / "mlruns" / "0" / "a", loss=[0.9, 0.8])
    mlflow_run(tmp_path / "mlruns" / "0" / "b", loss=[0.7, 0.6])
    path = late / "metrics" / "loss"
    path.write_text("".join(f"9{line}\n" for line in path.read_text().splitlines()))
    same(read_curves(tmp_path / "mlruns", 1)[0], {"loss": [0.7, 0.6]})
    same(read_curves(tmp_path / "mlruns")[0], {"loss": [0.9, 0.8]})


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "cat.jpg").write_bytes(b"\xff")
    with pytest.raises(RecordFormatError, match="neither metrics of MLflow nor event"):
        read_curves(tmp_path)


def test_an_event_file_needs_a_package(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorboard", None)
    path = tmp_path / "events.out.tfevents.1.host"
    path.write_bytes(b"")
    with pytest.raises(RecordFormatError, match="pip install tensorboard"):
        read_curves(path)


def test_event_files_of_keras(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util.tensor_util import make_tensor_proto

    for side, losses in (("train", [0.75, 0.5]), ("validation", [0.875, 0.625])):
        writer = EventFileWriter(str(tmp_path / "logs" / side))
        for step, loss in enumerate(losses):
            values = [
                Summary.Value(tag="epoch_loss", tensor=make_tensor_proto(loss)),
                Summary.Value(tag="epoch_acc", simple_value=1 - loss),
                Summary.Value(tag="weights", tensor=make_tensor_proto([1.0, 2.0])),
            ]
            writer.add_event(Event(step=step, summary=Summary(value=values)))
        writer.close()
    train = {"loss": [0.75, 0.5], "accuracy": [0.25, 0.5]}
    val = {"val_loss": [0.875, 0.625], "val_accuracy": [0.125, 0.375]}
    same(read_curves(tmp_path)[0], train | val)
    same(read_curves(tmp_path / "logs")[0], train | val)
    same(read_curves(tmp_path / "logs" / "validation")[0], val)
    (path,) = (tmp_path / "logs" / "train").iterdir()
    same(read_curves(path)[0], train)
    path.write_bytes(path.read_bytes()[:-9])  # the program still runs
    assert read_curves(path)[0]["loss"][0] == 0.75


def test_a_longer_training_than_the_one_that_is_read_is_named(tmp_path):
    path = tmp_path / "log.csv"
    rows = [f"{epoch},{0.9**epoch}" for n in (30, 6) for epoch in range(n)]
    path.write_text("\n".join(["epoch,loss", *rows]) + "\n")
    curves, (note,) = read_curves(path)
    assert len(curves["loss"]) == 6
    assert note.endswith("was read (run=2); the longest is number 1, of 30 epochs")
    _, (note,) = read_curves(path, 1)
    assert note.endswith("was read (run=1)")
