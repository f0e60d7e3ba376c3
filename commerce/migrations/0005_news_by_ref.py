from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("commerce", "0004_wait_currency")]

    operations = [
        migrations.AddIndex(
            model_name="inbox",
            index=models.Index(fields=["ref"], name="events_by_ref"),
        ),
    ]
